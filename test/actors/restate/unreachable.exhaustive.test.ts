import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { run } from 'kahn';
import { EngineError, RestateRunner, RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { serve, urlOf } from '../../support/restate-shop.ts';

/** No polls. */
const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** What a start with these URLs is refused with; a start afterwards finds the system free. */
async function refusal(
  { ingressUrl, adminUrl }: { readonly ingressUrl: string; readonly adminUrl: string },
  systemActorName = freshName('shop'),
  pipelineIds = [0],
) {
  const system = shop.bind(temporaryPostgres());
  const options = { ingressUrl, adminUrl, systemActorName, pipelineIds };
  const error = await rejectionOf(RestateRunner.start(system, options), EngineError);
  await (await run(system)).close();
  return error;
}

test('start() says that the service does not answer, later if there is more to start, and takes the call back', {
  timeout: 60_000,
}, async () => {
  const refusals = [[0], [0, 1, 2, 3, 4]].map(async (pipelineIds) => {
    const systemActorName = freshName('shop');
    const options = { storage: temporaryPostgres(), systemActorName, port: 0 };
    const service = await RestateService.start(shop, options);
    await service.register({ adminUrl: engine.adminUrl, serviceUrl: urlOf(service) });
    await service.close();
    return await refusal(engine, systemActorName, pipelineIds);
  });
  const [error, later] = await Promise.all(refusals);
  expect(error).toMatchObject({ code: 'SERVICE_UNREACHABLE' });
  expect(error?.message).toContain('within 15 s: is a RestateService running where it is registered?');
  expect(later?.message).toContain('within 17 s: is');
  expect(await engine.query(`select id from sys_invocation where status <> 'completed'`)).toEqual([]);
});

/** The URL of a balancer before the engine, which does with each request what it is told for its path. */
async function forwarding(fate: (path: string) => 'forwarded' | 'refused' | 'swallowed'): Promise<string> {
  const balancer = createServer(async (request, response) => {
    const { url = '', method = 'GET' } = request;
    const told = fate(url);
    if (told === 'refused') response.writeHead(503).end('no healthy upstream');
    if (told !== 'forwarded') return;
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
  await once(balancer, 'listening');
  onTestFinished(() => {
    balancer.closeAllConnections();
    balancer.close();
  });
  return `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
}

test('a balancer that says the engine is away is waited for, without the admin port, too', {
  timeout: 120_000,
}, async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  let isAway = false;
  const refused = new Set<string>();
  const ingressUrl = await forwarding((path) => {
    if (!isAway && (!path.endsWith('/start/send') || refused.has(path))) return 'forwarded';
    refused.add(path);
    return 'refused';
  });
  const options = { storage, systemActorName, ingressUrl, shutdownOnClose: true };
  await using runner = await RestateRunner.start(shop, options);
  expect(refused.size).toBe(1);
  isAway = true;
  const id = await runner.get(Orders).place('ada');
  const caughtUp = runner.caughtUp({ signal: AbortSignal.timeout(90_000) });
  const [, reservations] = await runner.status();
  expect(reservations).toMatchObject({ state: 'interrupted', lastError: { code: 'ENGINE_UNREACHABLE' } });
  isAway = false;
  await caughtUp;
  expect((await runner.get(Orders).get(id)).done).toBe(true);
});

test('calls that something on the way swallows are made again, without polls, too', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const swallowed: string[] = [];
  const ingressUrl = await forwarding((path) => {
    if (!/\/(start\/send|prompt)$/.test(path) || swallowed.includes(path)) return 'forwarded';
    swallowed.push(path);
    return 'swallowed';
  });
  const options = { storage, systemActorName, ingressUrl, pollIntervalMs: never, shutdownOnClose: true };
  await using runner = await RestateRunner.start(shop, options);
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp({ signal: AbortSignal.timeout(60_000) });
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(swallowed).toHaveLength(2);
}, 90_000);
