import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { run, System } from 'kahn';
import { nodeListener, remote, serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { temporarySqlite } from '../support/storages.ts';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

const spaces = Buffer.alloc(20_000_000, 0x20);
const bomb = gzipSync(spaces);
const doubleBomb = gzipSync(brotliCompressSync(spaces));

async function sell(count: number, sales: typeof Sales = Sales, options: object = {}) {
  const runner = await run(System.of([[sales]], { name: 'shop' }));
  onTestFinished(() => runner.close());
  for (let amount = 1; amount <= count; amount += 1) await runner.get(sales).save(Sale.make(amount));
  return { runner, handler: serveLogs(runner, { applications: [sales], authorize: token, ...options }) };
}

async function bill(options: { url: string; [name: string]: unknown }) {
  const office = System.of([[remote(Sales, { system: 'shop', headers, ...options } as never), Billing]]);
  const runner = await run(office, { pollIntervalMs: 20 });
  onTestFinished(() => runner.close());
  const status = async () => (await runner.status()).find((one) => one.applicationName === 'billing')!;
  const billed = () => runner.get(Billing).log.head();
  return { runner, status, billed };
}

test('asks a server that answers waiting requests at once a few times a second', async () => {
  const server = await TestServer.listen();
  const { handler } = await sell(3, Sales, { maxWaitMs: 0 });
  const askedAt: number[] = [];
  server.handler = (request) => {
    if (request.url.includes('waitMs')) askedAt.push(performance.now());
    return handler(request);
  };
  await bill({ url: server.url });
  await until('it has asked four times', () => askedAt.length >= 4);
  expect(askedAt[3]! - askedAt[0]!).toBeGreaterThan(250);
});

test('does not show headers that cannot be sent', async () => {
  const server = await TestServer.listen();
  server.handler = (await sell(1)).handler;
  const { status } = await bill({ url: server.url, headers: () => ({ authorization: 'Bearer new\nhush' }) });
  await until('it is interrupted', async () => (await status()).lastError !== undefined);
  expect(inspect((await status()).lastError, { depth: 9 })).not.toContain('hush');
});

test('refuses a URL with a password', () => {
  const secretive = () => remote(Sales, { system: 'shop', url: 'http://:secret@127.0.0.1/logs' });
  expect(secretive).toThrow('url');
  expect(secretive).not.toThrow('secret');
});

test('ends requests when it is closed', async () => {
  const server = await TestServer.listen();
  const { handler } = await sell(1);
  server.handler = handler;
  const { runner, billed } = await bill({ url: server.url });
  await until('it is billed', async () => (await billed()) === 1);
  const asked = Promise.withResolvers<Request>();
  server.handler = (request) => {
    if (request.url.includes('/sections/')) asked.resolve(request);
    return new Promise<never>(() => {});
  };
  const [sales] = runner.system.applications;
  const reading = runner.get(sales as never) as unknown as Sales;
  const read = reading.log.select(1, 1).then(
    () => 'read',
    (error) => error.code,
  );
  const { signal } = await asked.promise;
  await runner.close();
  // On a busy machine, the read may have waited for as long as one does.
  expect(['STORAGE_CLOSED', 'STORAGE_UNREACHABLE']).toContain(await read);
  await until('the connection has ended', () => signal.aborted);
});

test('follows a log whose sections have another size after a deployment', async () => {
  const server = await TestServer.listen();
  class Resized extends Sales {
    static override readonly sectionSize = 7 as 5;
  }
  const storage = temporarySqlite();
  const first = await run(System.of([[Sales]], { name: 'shop' }), { storage });
  for (let amount = 1; amount <= 6; amount += 1) await first.get(Sales).save(Sale.make(amount));
  server.handler = serveLogs(first, { applications: [Sales], authorize: token });
  const { billed, status } = await bill({ url: server.url });
  await until('billed', async () => (await billed()) === 6);
  server.handler = undefined;
  await first.close();
  const second = await run(System.of([[Resized]], { name: 'shop' }), { storage });
  onTestFinished(() => second.close());
  for (let amount = 1; amount <= 6; amount += 1) await second.get(Resized).save(Sale.make(amount));
  server.handler = serveLogs(second, { applications: [Resized], authorize: token });
  await until('billed again', async () => {
    const { lastError, state } = await status();
    if (state === 'failed') throw lastError;
    return (await billed()) === 12;
  });
});

test.each<[string, () => Response, string]>([
  [
    'compressed spaces without an end',
    () => new Response(bomb, { headers: { 'content-encoding': 'gzip' } }),
    'more than 100000 bytes',
  ],
  [
    'other compressed spaces, twice',
    () => new Response(doubleBomb, { headers: { 'content-encoding': 'br, gzip' } }),
    'more than 100000 bytes',
  ],
  ['a byte now and then', () => slowly(), 'The request took too long.'],
  [
    'large headers',
    () => new Response('{}', { headers: { 'x-large': 'x'.repeat(100_000) } }),
    'did not answer',
  ],
  [
    'bytes that are not compressed as it says',
    () => new Response('{}', { headers: { 'content-encoding': 'gzip' } }),
    'did not answer',
  ],
])('bounds %s', async (_what, answer, reason) => {
  const server = await TestServer.listen();
  const { handler } = await sell(1);
  server.handler = async (request) => (request.url.includes('/sections/') ? answer() : handler(request));
  const { status, billed } = await bill({ url: server.url, maxBytes: 100_000, timeoutMs: 500 });
  // At first, a busy machine may not answer in time.
  await until('it shows the error', async () =>
    inspect((await status()).lastError, { depth: 9 }).includes(reason),
  );
  expect(await billed()).toBe(0);
});

function slowly(): Response {
  const body = new ReadableStream({
    async pull(controller) {
      await pause(20);
      controller.enqueue(new Uint8Array([0x20]));
    },
  });
  return new Response(body);
}

test('a server is closed while followers wait', async () => {
  const { handler } = await sell(1);
  const server = createServer(nodeListener(handler)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { billed } = await bill({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs` });
  await until('it is billed', async () => (await billed()) === 1);
  await server[Symbol.asyncDispose]();
});

test('requests end when the runner is closed', async () => {
  const { handler, runner } = await sell(1);
  const url = 'http://localhost/logs/sales/0?after=1&waitMs=600000';
  const answer = handler(new Request(url, { headers }));
  await handler(new Request('http://localhost/logs/sales/0', { headers }));
  await runner.close();
  expect((await answer).status).toBe(500);
});
