import { run, System } from 'kahn';
import { type LogHandler, remote, serveLogs } from 'kahn/http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

// biome-ignore lint/suspicious/noExplicitAny: documents that no type describes
type Document = any;

const long = 'x'.repeat(1_025);
const place = { pipelineId: 0, notificationId: 1 };

/** Serves seven sales, changed by a liar, to a system that bills them. */
async function startWith(lie: (handler: LogHandler) => LogHandler, options: object = {}) {
  const server = await TestServer.listen();
  const shop = System.of([[Sales]], { name: 'shop' });
  const selling = await run(shop);
  onTestFinished(() => selling.close());
  for (let amount = 1; amount <= 7; amount += 1) await selling.get(Sales).save(Sale.make(amount));
  const honest = serveLogs(selling, { applications: [Sales], authorize: token });
  server.handler = lie(honest);
  const office = System.of([
    [remote(Sales, { system: 'shop', url: server.url, headers, ...options }), Billing],
  ]);
  const billing = await run(office, { pollIntervalMs: 20 });
  onTestFinished(() => billing.close());
  const status = async () => (await billing.status()).find((one) => one.applicationName === 'billing')!;
  return { server, honest, selling, billing, status };
}

/** Changes the documents of sections. */
function changingSections(change: (document: Document) => void): (handler: LogHandler) => LogHandler {
  return (handler) => async (request) => {
    const answer = await handler(request);
    if (!request.url.includes('/sections/')) return answer;
    const document = (await answer.json()) as Document;
    change(document);
    return Response.json(document);
  };
}

/** Answers sections in another way. */
function answering(
  answer: (request: Request) => Response | Promise<Response>,
): (h: LogHandler) => LogHandler {
  return (handler) => async (request) =>
    request.url.includes('/sections/') ? answer(request) : handler(request);
}

describe('a follower stops at a server that answers', () => {
  test.each<[string, (document: Document) => void, string]>([
    ['a gap', ({ items }) => void items.splice(2, 1), 'notification 4 in place of 3'],
    ['a duplicate', ({ items }) => void items.splice(2, 1, items[1]), 'notification 2 in place of 3'],
    ['another order', ({ items }) => void items.reverse(), 'in place of 1'],
    ['too many', ({ items }) => void items.push(...items), 'notifications after 0'],
    [
      'ids that are texts',
      ({ items }) => Object.assign(items[0], { id: '1' }),
      'notification "1" in place of 1',
    ],
    ['no data', ({ items }) => void delete items[1].data, 'the data of notification 2'],
    [
      'data that is no text',
      ({ items }) => Object.assign(items[1], { data: {} }),
      'the data of notification 2',
    ],
    ['no type', ({ items }) => Object.assign(items[1], { type: '' }), 'the type of notification 2'],
    [
      'a version of 0',
      ({ items }) => Object.assign(items[0], { originatorVersion: 0 }),
      'the originatorVersion',
    ],
    [
      'a time that is no number',
      ({ items }) => Object.assign(items[0], { timestamp: 'now' }),
      'the timestamp',
    ],
    [
      'a cause without a place',
      ({ items }) => Object.assign(items[0], { cause: { applicationName: 'x' } }),
      'the cause',
    ],
    [
      'a dependency at 0',
      ({ items }) => Object.assign(items[0], { dependencies: [{ pipelineId: 0, notificationId: 0 }] }),
      'dependencies',
    ],
    ['metadata that is no text', ({ items }) => Object.assign(items[0], { metadata: {} }), 'the metadata'],
    [
      'an empty correlation id',
      ({ items }) => Object.assign(items[0], { correlationId: '' }),
      'the correlationId',
    ],
    [
      'a time beyond all dates',
      ({ items }) => Object.assign(items[0], { timestamp: 8.64e15 + 1 }),
      'the timestamp of notification 1',
    ],
    ['half a millisecond', ({ items }) => Object.assign(items[0], { timestamp: 0.5 }), 'the timestamp'],
    [
      'a version that is too large',
      ({ items }) => Object.assign(items[0], { originatorVersion: 2 ** 31 }),
      'the originatorVersion',
    ],
    [
      'a version twice',
      ({ items }) => Object.assign(items[1], { originatorId: items[0].originatorId }),
      'the originatorVersion 1 of notification 2 after a later one',
    ],
    [
      'an id that is too long',
      ({ items }) => Object.assign(items[0], { originatorId: long }),
      'the originatorId',
    ],
    ['an id with a NUL', ({ items }) => Object.assign(items[0], { originatorId: 'a\0' }), 'the originatorId'],
    [
      'half a character',
      ({ items }) => Object.assign(items[0], { originatorId: '\ud800' }),
      'the originatorId',
    ],
    ['data with half a character', ({ items }) => Object.assign(items[0], { data: '"\ud800"' }), 'the data'],
    ['a type that is too long', ({ items }) => Object.assign(items[0], { type: long }), 'the type'],
    [
      'a long correlation id',
      ({ items }) => Object.assign(items[0], { correlationId: long }),
      'the correlationId',
    ],
    [
      'metadata with half a character',
      ({ items }) => Object.assign(items[0], { metadata: '"\ud800"' }),
      'the metadata',
    ],
    [
      'a cause of a long name',
      ({ items }) => Object.assign(items[0], { cause: { ...place, applicationName: long } }),
      'the cause',
    ],
    [
      'a cause in a system that can have no name',
      ({ items }) => Object.assign(items[0], { cause: { ...place, applicationName: 'x', system: 'a@b' } }),
      'the cause',
    ],
    [
      'a cause in no pipeline',
      ({ items }) =>
        Object.assign(items[0], { cause: { applicationName: 'x', pipelineId: -1, notificationId: 1 } }),
      'the cause',
    ],
    [
      'a dependency in a pipeline beyond all',
      ({ items }) => Object.assign(items[0], { dependencies: [{ pipelineId: 2 ** 31, notificationId: 1 }] }),
      'dependencies',
    ],
    [
      'dependencies that are no array',
      ({ items }) => Object.assign(items[0], { dependencies: { length: 1 } }),
      'dependencies',
    ],
    [
      'a cause beyond all numbers',
      ({ items }) =>
        Object.assign(items[0], { cause: { ...place, applicationName: 'x', notificationId: 2 ** 53 } }),
      'the cause',
    ],
    [
      'a notification whose fields are those of a prototype',
      ({ items }) => void items.splice(0, 1, JSON.parse(`{"__proto__":${JSON.stringify(items[0])}}`)),
      'notification undefined in place of 1',
    ],
    [
      'another system',
      (document) => Object.assign(document, { system: 'store' }),
      `the system "store" in place of 'shop'`,
    ],
    ['no system', (document) => void delete document.system, "in place of 'shop'"],
    ['a notification that is no object', ({ items }) => void items.splice(0, 1, null), 'that is no object'],
    ['no notifications', (document) => void delete document.items, 'a section without notifications'],
    ['another section', (document) => Object.assign(document, { id: '6,10' }), 'the section "6,10"'],
    [
      'another log',
      (document) => Object.assign(document, { applicationName: 'billing' }),
      'the log of "billing"',
    ],
    ['another pipeline', (document) => Object.assign(document, { pipelineId: 1 }), 'in pipeline 1'],
    ['another version', (document) => Object.assign(document, { version: 2 }), 'the version 2 in place of 1'],
    ['other sections', (document) => Object.assign(document, { sectionSize: 6 }), 'sections of another size'],
    [
      'a cut section without an end',
      (document) => Object.assign(document, { items: [], isCut: true }),
      'cut section',
    ],
  ])('%s', async (_what, change, reason) => {
    const { billing, status } = await startWith(changingSections(change));
    await until('it has failed', async () => (await status()).state === 'failed');
    const { lastError } = await status();
    expect(lastError).toMatchObject({ code: 'STORAGE_CORRUPT', applicationName: 'sales@shop' });
    expect(String(lastError)).toContain('/logs/sales');
    expect(String(lastError)).toContain(reason);
    expect(await billing.get(Billing).log.head()).toBe(0);
  });

  test.each<[string, (document: Document) => void]>([
    ['data that is no JSON', ({ items }) => Object.assign(items[1], { data: '{' })],
    ['data of another shape', ({ items }) => Object.assign(items[1], { data: 'null' })],
    ['metadata that is no JSON', ({ items }) => Object.assign(items[1], { metadata: '{' })],
  ])('%s, after all before it', async (_what, change) => {
    const { billing, status } = await startWith(changingSections(change));
    await until('it stops there', async () => ['failed', 'interrupted'].includes((await status()).state));
    expect(String((await status()).lastError)).toMatch(/notification 2\b/);
    expect(await billing.get(Billing).log.head()).toBe(1);
  });

  test.each<[string, unknown]>([
    ['less than nothing', -1],
    ['a fraction', 1.5],
    ['a text', '7'],
    ['more than all numbers', 2 ** 53],
    ['nothing', undefined],
    ['a number beyond all', Number.NaN], // null in JSON
  ])('%s as the end of the log', async (_what, head) => {
    const { status } = await startWith((handler) => async (request) => {
      const answer = await handler(request);
      if (request.url.includes('/sections/')) return answer;
      return Response.json({ ...((await answer.json()) as object), head });
    });
    await until('it has failed', async () => (await status()).state === 'failed');
    expect(String((await status()).lastError)).toContain('the head');
  });

  test.each<[string, () => Response | Promise<Response>, string]>([
    ['a text that is no JSON', () => new Response('<html>'), 'a text that is no JSON'],
    ['an array', () => Response.json([]), 'an answer that is no object'],
    ['bytes that are no text', () => new Response(new Uint8Array([0xff, 0xfe])), 'a text that is no JSON'],
    ['nothing', () => new Response(''), 'a text that is no JSON'],
    ['two documents', () => new Response('{}{}'), 'a text that is no JSON'],
    ['deep arrays', () => new Response('['.repeat(90_000)), 'a text that is no JSON'],
    ['only a prototype', () => new Response('{"__proto__":{"version":1}}'), 'the version undefined'],
    ['a number without an end', () => new Response('{"version":1e400}'), 'the version null'],
    ['too much', () => new Response('['.repeat(200_000)), 'more than 100000 bytes'],
    ['without an end', () => endless(), 'more than 100000 bytes'],
  ])('%s', async (_what, answer, reason) => {
    const { status } = await startWith(answering(answer), { maxBytes: 100_000 });
    await until('it has failed', async () => (await status()).state === 'failed');
    expect(String((await status()).lastError)).toContain(reason);
  });
});

test.each<[string, (text: string) => string]>([
  ['begins with a byte order mark', (text) => `\ufeff${text}`],
  ['repeats its keys', (text) => text.replaceAll('"id":', '"id":"9,9","id":')],
  ['names prototypes', (text) => text.replaceAll('"id":', '"__proto__":{"stained":true},"id":')],
  [
    'names prototypes in data',
    (text) => text.replaceAll('{\\"amount\\":', '{\\"__proto__\\":{\\"stained\\":true},\\"amount\\":'),
  ],
])('a follower reads a document that %s', async (_what, change) => {
  const { billing } = await startWith((handler) => async (request) => {
    const answer = await handler(request);
    const text = await answer.text();
    const changed = change(text);
    if (request.url.includes('/sections/')) expect(changed).not.toBe(text);
    return new Response(changed);
  });
  await until('all is billed', async () => (await billing.get(Billing).log.head()) === 7);
  expect(({} as { stained?: true }).stained).toBeUndefined();
});

function endless(): Response {
  return new Response(
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(0x20)) }),
  );
}

describe('a follower tries again while a server', () => {
  test.each<[string, () => Response | Promise<Response>, string]>([
    ['has no permission for it', () => new Response(null, { status: 401 }), 'STORAGE_DENIED'],
    ['does not serve the log', () => new Response(null, { status: 404 }), 'STORAGE_MISSING'],
    ['is busy', () => new Response(null, { status: 429 }), 'STORAGE_BUSY'],
    ['fails', () => new Response(null, { status: 500 }), 'STORAGE_UNREACHABLE'],
    ['never answers', () => new Promise<never>(() => {}), 'STORAGE_UNREACHABLE'],
    [
      'redirects to another host',
      () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1:1/steal' } }),
      'STORAGE_DENIED',
    ],
    [
      'redirects to itself',
      () => new Response(null, { status: 307, headers: { location: '/logs/sales/0' } }),
      'STORAGE_DENIED',
    ],
    ['answers with nothing', () => new Response(null, { status: 204 }), 'STORAGE_UNREACHABLE'],
    ['answers with a part', () => new Response('{}', { status: 206 }), 'STORAGE_UNREACHABLE'],
  ])('%s', async (_what, answer, code) => {
    const { server, honest, billing, status } = await startWith(answering(answer), { timeoutMs: 100 });
    // At first, a busy machine may not answer in time.
    await until('it shows the reason', async () => {
      const { interruption, lastError } = await status();
      return interruption !== undefined && (lastError as { code?: string }).code === code;
    });
    expect((await status()).lastError).toMatchObject({ applicationName: 'sales@shop' });
    server.handler = honest;
    await until('it has caught up', async () => (await billing.get(Billing).log.head()) === 7);
  });
});

test('a follower stops at a log that was restored from an older copy or replaced', async () => {
  for (const count of [3, 9]) {
    const { server, billing, status } = await startWith((handler) => handler);
    await until('it has caught up', async () => (await billing.get(Billing).log.head()) === 7);
    const other = await run(System.of([[Sales]], { name: 'shop' }));
    onTestFinished(() => other.close());
    for (let amount = 1; amount <= count; amount += 1) await other.get(Sales).save(Sale.make(amount));
    server.handler = serveLogs(other, { applications: [Sales], authorize: token });
    server.cut();
    await until('it has failed', async () => (await status()).state === 'failed');
    expect((await status()).lastError).toMatchObject({ code: 'LOG_MISMATCH', upstreamName: 'sales@shop' });
  }
});

test('a system starts while a server is away, and shows it', async () => {
  const office = System.of([[remote(Sales, { system: 'shop', url: 'http://127.0.0.1:1/logs' }), Billing]]);
  await using runner = await run(office);
  const [{ state, lastError } = { state: 'idle', lastError: undefined }] = (await runner.status()).filter(
    (one) => one.applicationName === 'billing',
  );
  expect(state).toBe('interrupted');
  expect(lastError).toMatchObject({ code: 'STORAGE_UNREACHABLE' });
});

test('nothing is recorded in a log of another system', async () => {
  const { billing } = await startWith((handler) => handler);
  const [remoteSales] = billing.system.applications;
  const sales = billing.get(remoteSales as never) as unknown as Sales;
  await expect(sales.save(Sale.make(1))).rejects.toMatchObject({ code: 'STORAGE_REFUSED' });
  await expect(sales.repository.get(Sale, 'x')).rejects.toMatchObject({ code: 'STORAGE_REFUSED' });
  const ids: number[] = [];
  for await (const { id } of sales.reader()) ids.push(id);
  expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
