import { setImmediate as nextTurn } from 'node:timers/promises';
import { System } from 'kahn';
import { RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { Balancer } from '../../support/servers/balancer.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import {
  callsOf,
  heldShop,
  type Shop,
  serve,
  start,
  statesOf,
  urlOf,
} from '../../support/servers/restate-shop.ts';
import { patient } from '../../support/until.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';

/** Another version of the shop, without payments. */
const smaller = System.of([[Orders, Reservations, Orders]], { name: 'shop' });

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Keys of a system's actors with unfinished calls or with state. */
async function activeActors(systemActorName: string): Promise<string[]> {
  const calls = await callsOf(engine, systemActorName);
  const states = await statesOf(engine, systemActorName);
  return [...calls, ...states].map(({ actor }) => `${actor}`);
}

test('a call resumed by a service with another graph finishes as it began, and blocks no actor', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const { system: larger, reached, release } = heldShop();
  const options = { storage, systemActorName, hostname: '127.0.0.1', drainTimeoutMs: 0 };
  await using before = await RestateService.start(larger, { ...options, port: 0 });
  const port = await freePort();
  await using balancer = await Balancer.start([before.port, port]);
  await before.register({ adminUrl: engine.adminUrl, serviceUrl: balancer.url });
  const running = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, larger, { ...running, drainTimeoutMs: 500 });
  await runner.get(Orders).place('ada');
  await reached;
  const warnings = watchWarnings();
  await runner.close(); // the actors stop after the step
  await nextTurn();
  expect(warnings).toMatchObject([{ code: 'KAHN_ACTORS_NOT_STOPPED' }]);
  expect(await activeActors(systemActorName)).not.toEqual([]);
  await before.close();
  release();
  await using _after = await RestateService.start(smaller, { ...options, port });
  await vi.waitFor(async () => expect(await activeActors(systemActorName)).toEqual([]), patient);

  const next = await start(engine, smaller as unknown as Shop, running);
  const id = await next.get(Orders).place('bob');
  await next.caughtUp();
  expect((await next.get(Orders).get(id)).reservationId).toBeDefined();
  await next.close(); // needs the service, so before it
});

test('an application that a new version lacks is stopped', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const runner = await start(engine, shop, { storage, systemActorName });
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  await runner.close();
  expect(await activeActors(systemActorName)).toContain('0/payments');
  const options = { storage, systemActorName, port: 0, hostname: '127.0.0.1' };
  await using service = await RestateService.start(smaller, options);
  await service.register({ adminUrl: engine.adminUrl, serviceUrl: urlOf(service), force: true });
  const running = { storage, systemActorName, shutdownOnClose: true };
  const next = await start(engine, smaller as unknown as Shop, running);
  await vi.waitFor(
    async () => expect(await activeActors(systemActorName)).not.toContain('0/payments'),
    patient,
  );
  expect(await activeActors(systemActorName)).toContain('0/reservations');
  await next.close(); // needs the service, so before it
});
