import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RestateRunner, RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, startError, urlOf } from '../../support/servers/restate-shop.ts';
import { inTime } from '../../support/until.ts';

/** A poll interval without polls during a test. */
const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('start() reports a service that does not answer, after a time that grows with the pipelines, and cancels its call', async () => {
  const errors = [[0], [0, 1, 2, 3, 4]].map(async (pipelineIds) => {
    const systemActorName = freshName('shop');
    const options = { storage: temporaryPostgres(), systemActorName, port: 0 };
    const service = await RestateService.start(shop, options);
    await service.register({ adminUrl: engine.adminUrl, serviceUrl: urlOf(service) });
    await service.close();
    return await startError(engine, systemActorName, pipelineIds);
  });
  const [error, laterError] = await Promise.all(errors);
  expect(error).toMatchObject({ code: 'SERVICE_UNREACHABLE' });
  expect(error?.message).toContain(
    'within 15 s: check that a RestateService is running at its registered URL',
  );
  expect(laterError?.message).toContain('within 17 s: check');
  expect(await engine.query(`select id from sys_invocation where status <> 'completed'`)).toEqual([]);
});

/** The URL of a proxy before the engine, which forwards, refuses or swallows each request as chosen by its path. */
async function proxyUrl(actionFor: (path: string) => 'forwarded' | 'refused' | 'swallowed'): Promise<string> {
  const proxy = createServer(async (request, response) => {
    const { url = '', method = 'GET' } = request;
    const action = actionFor(url);
    if (action === 'refused') response.writeHead(503).end('no healthy upstream');
    if (action !== 'forwarded') return;
    const headers = Object.entries(request.headersDistinct).flatMap(([name, values]) =>
      ['content-type', 'idempotency-key'].includes(name) ? [[name, `${values}`] as const] : [],
    );
    const content = Buffer.concat(await request.toArray());
    const body = content.length > 0 ? { body: content } : {};
    const answer = await fetch(`${engine.ingressUrl}${url}`, {
      method,
      headers: Object.fromEntries(headers),
      ...body,
    });
    response.writeHead(answer.status).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test('a runner waits while a load balancer reports that the engine is unavailable, also without an admin URL', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  let isAway = false;
  const refused = new Set<string>();
  const ingressUrl = await proxyUrl((path) => {
    if (!isAway && (!path.endsWith('/start/send') || refused.has(path))) return 'forwarded';
    refused.add(path);
    return 'refused';
  });
  const options = { storage, systemActorName, ingressUrl, shutdownOnClose: true };
  await using runner = await RestateRunner.start(shop, options);
  expect(refused.size).toBe(1);
  isAway = true;
  const id = await runner.get(Orders).place('ada');
  const caughtUp = runner.caughtUp({ signal: inTime() });
  const [, reservations] = await runner.status();
  expect(reservations).toMatchObject({ state: 'interrupted', lastError: { code: 'ENGINE_UNREACHABLE' } });
  isAway = false;
  await caughtUp;
  expect((await runner.get(Orders).get(id)).done).toBe(true);
});

test('calls that a proxy swallows are repeated, also without polls', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const swallowed: string[] = [];
  const ingressUrl = await proxyUrl((path) => {
    if (!/\/(start\/send|prompt)$/.test(path) || swallowed.includes(path)) return 'forwarded';
    swallowed.push(path);
    return 'swallowed';
  });
  const options = { storage, systemActorName, ingressUrl, pollIntervalMs: never, shutdownOnClose: true };
  await using runner = await RestateRunner.start(shop, options);
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp({ signal: inTime() });
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(swallowed).toHaveLength(2);
});
