import { ActorsStoppedError } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/names.ts';
import { resolvesWithin } from '../../../src/util/within.ts';
import { rejectionOf } from '../../support/errors.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { callsOf, heldShop, serve, start, statesOf } from '../../support/restate-shop.ts';

const never = 2 ** 30;
const soon = { timeout: 60_000, interval: 20 };

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('shutting down leaves no call and no state behind; who still has a runner is told', {
  timeout: 120_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { persistence, systemActorName });
  const options = { persistence, systemActorName, pollIntervalMs: 60_000 };
  const runner = await start(engine, shop, options);
  const owner = await start(engine, shop, { ...options, shutdownOnClose: true });
  await owner.get(Orders).place('ada');
  await owner.caughtUp();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toHaveLength(3), soon); // the next polls
  expect(await statesOf(engine, systemActorName)).not.toEqual([]);
  await owner.get(Orders).place('bob'); // and closed in the middle
  await owner.close();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toEqual([]), soon);
  expect(await statesOf(engine, systemActorName)).toEqual([]);

  await runner.get(Orders).place('cy');
  await rejectionOf(runner.caughtUp(), ActorsStoppedError);
  expect((await runner.status()).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
  const again = await start(engine, shop, { ...options, shutdownOnClose: true });
  await Promise.all([again.caughtUp(), runner.caughtUp()]);
  expect(await runner.get(Orders).log.head()).toBe(9);
});

test('a system can be started again while it is shut down and a step takes long', {
  timeout: 120_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  using held = heldShop();
  const { system, reached, release } = held;
  await serve(engine, system, { persistence, systemActorName });
  const options = {
    persistence,
    systemActorName,
    pollIntervalMs: never,
    shutdownOnClose: true,
    drainTimeoutMs: 60_000,
  };
  const runner = await start(engine, system, options);
  const id = await runner.get(Orders).place('ada');
  await reached;
  const closing = runner.close();
  // The worker whose step is held keeps what it remembers of the step before until the held step ends.
  const { worker } = actorNames(systemActorName);
  const others = async () =>
    (await statesOf(engine, systemActorName)).filter(
      (state) => state.service_name !== worker || state.actor !== '0/reservations',
    );
  await vi.waitFor(async () => expect(await others()).toEqual([]), soon);
  const next = await start(engine, system, options);
  await next.get(Orders).place('bob');
  expect(await resolvesWithin(closing, 100)).toBe(false);
  release();
  await closing;
  await next.caughtUp();
  expect((await next.get(Orders).get(id)).done).toBe(true);
  expect(await next.get(Orders).log.head()).toBe(6);
  await next.close();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toEqual([]), soon);
  expect(await statesOf(engine, systemActorName)).toEqual([]);
});

test('a service ends while a shutdown waits that would need it', { timeout: 120_000 }, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  using held = heldShop();
  const { system, reached, release } = held;
  const port = await freePort();
  const serviceOptions = { persistence, systemActorName, port, drainTimeoutMs: 60_000 };
  const service = await serve(engine, system, serviceOptions);
  const options = { persistence, systemActorName, pollIntervalMs: never, drainTimeoutMs: 60_000 };
  const runner = await start(engine, system, { ...options, shutdownOnClose: true });
  await runner.get(Orders).place('ada');
  await reached;
  const closing = runner.close();
  // The coordinator sends the worker a `stop`, too; the shutdown waits for the one that the system actor has called.
  const names = actorNames(systemActorName);
  const waiting =
    `select id from sys_invocation where target_handler_name = 'stop' and status <> 'completed' and ` +
    `target_service_name = '${names.worker}' and target_service_key = '0/reservations' and ` +
    `invoked_by_service_name = '${names.system}'`;
  await vi.waitFor(async () => expect(await engine.query(waiting)).toHaveLength(1), soon);
  const ending = service.close();
  release();
  expect(await resolvesWithin(ending, 30_000)).toBe(true);
  await serve(engine, system, serviceOptions);
  await closing;
  expect(await statesOf(engine, systemActorName)).toEqual([]);
});
