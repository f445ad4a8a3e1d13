import { setTimeout as delay } from 'node:timers/promises';
import { run, System } from 'kahn';
import { type LogHandler, remote, serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { TestServer } from '../../serving/test-server.ts';
import { Billing, Sale, Sales } from '../../serving/two-systems.ts';
import { until } from '../../support/until.ts';

const sold = 63; // sections of 5: the last one is not full

/** Serves sales, and starts a system that bills them in batches of all of them. */
async function startBehind(around: (honest: LogHandler) => LogHandler) {
  const server = await TestServer.listen();
  const selling = await run(System.of([[Sales]], { name: 'shop' }));
  onTestFinished(() => selling.close());
  await selling.get(Sales).save(Array.from({ length: sold }, (_, amount) => Sale.make(amount)));
  server.handler = around(serveLogs(selling, { applications: [Sales], authorize: () => true }));
  const RemoteSales = remote(Sales, { system: 'shop', url: server.url });
  const office = System.of([[RemoteSales, Billing]]);
  const billing = await run(office, { pollIntervalMs: 20, batchSize: 500 });
  onTestFinished(() => billing.close());
  const amounts = async () => {
    const found: number[] = [];
    for await (const { event } of billing.get(Billing).reader()) found.push(event.data.amount);
    return found;
  };
  const billed = (count: number) =>
    until(`${count} are billed`, async () => (await billing.get(Billing).log.head()) === count);
  return { billing, RemoteSales, amounts, billed };
}

/** First notification of the section that a request asks for; undefined for another request. */
function sectionIn({ url }: Request): number | undefined {
  const [, first] = /sections\/(\d+),/.exec(url) ?? [];
  return first === undefined ? undefined : Number(first);
}

const inOrder = Array.from({ length: sold }, (_, amount) => amount);

test('asks for up to four sections at once, none of them behind the last full one', async () => {
  const underWay = new Set<number>();
  const four = Promise.withResolvers<void>();
  let most = 0;
  let isPastEnd = false;
  const { amounts, billed } = await startBehind((honest) => async (request) => {
    const first = sectionIn(request);
    if (first === undefined) return honest(request);
    underWay.add(first);
    most = Math.max(most, underWay.size);
    if (most >= 4) four.resolve();
    if (first === 61) isPastEnd ||= underWay.size > 1;
    if (first > 6) await four.promise; // the first two are asked for before the size of sections is known
    await delay((first % 3) * 10); // so that answers overtake each other
    underWay.delete(first);
    return honest(request);
  });
  await billed(sold);
  expect(await amounts()).toEqual(inOrder);
  expect([most, isPastEnd]).toEqual([4, false]);
});

test.each<[string, (request: Request) => Response | Promise<Response>]>([
  ['is busy', () => new Response(null, { status: 429 })],
  ['breaks the connection', () => brokenAnswer()],
])('processes what was read before a server %s, and the rest afterwards', async (_what, fail) => {
  let isFailing = true;
  const asked = new Map<number, number>();
  const { billing, amounts, billed } = await startBehind((honest) => async (request) => {
    const first = sectionIn(request) ?? 0;
    if (first >= 31 && isFailing) return fail(request);
    if (first > 0) asked.set(first, (asked.get(first) ?? 0) + 1);
    return honest(request);
  });
  await billed(30);
  await until('it is interrupted', async () =>
    (await billing.status()).some(({ state }) => state === 'interrupted'),
  );
  // The start asks for the first one, too.
  for (let first = 6; first < 26; first += 5) expect([first, asked.get(first)]).toEqual([first, 1]);
  isFailing = false;
  await billed(sold);
  expect(await amounts()).toEqual(inOrder);
});

/** Returns an answer that ends in the middle. */
function brokenAnswer(): Response {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('{"version":')),
    pull: (controller) => controller.error(new Error('The network failed.')),
  });
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

test('gives up a large section that it has asked for ahead, and reads it in its turn', async () => {
  const asked: number[] = [];
  const { amounts, billed } = await startBehind((honest) => async (request) => {
    const first = sectionIn(request);
    const answer = await honest(request);
    if (first === undefined) return answer;
    asked.push(first);
    const padding = first === 6 || first === 26 ? ' '.repeat(1_100_000) : '';
    return new Response(`${padding}${await answer.text()}`);
  });
  await billed(sold);
  expect(await amounts()).toEqual(inOrder);
  expect([6, 26, 11].map((first) => asked.filter((one) => one === first).length)).toEqual([2, 2, 1]);
});

test('close() ends requests for sections', async () => {
  let isHolding = false;
  let held = 0;
  const { billing, RemoteSales, billed } = await startBehind((honest) => async (request) => {
    if (!isHolding || sectionIn(request) === undefined) return honest(request);
    held += 1;
    return new Promise<never>(() => {});
  });
  await billed(sold);
  isHolding = true;
  const reading = expect(billing.get(RemoteSales).reader().read(40)).rejects.toMatchObject({
    code: 'STORAGE_CLOSED',
  });
  await until('sections are asked for', () => held > 1);
  await billing.close();
  await reading;
});
