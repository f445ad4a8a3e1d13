import { ActorsStoppedError } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/protocol/actor-names.ts';
import { resolvesWithin } from '../../../src/util/timeout.ts';
import { rejectionOf } from '../../support/errors.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { callsOf, heldShop, serve, start, statesOf } from '../../support/servers/restate-shop.ts';
import { patient } from '../../support/until.ts';
import { timersDuring } from '../../support/watchers/timers.ts';

const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('a shutdown leaves no call and no state behind, and other runners report it', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: 60_000 };
  const runner = await start(engine, shop, options);
  const owner = await start(engine, shop, { ...options, shutdownOnClose: true });
  await owner.get(Orders).place('ada');
  await owner.caughtUp();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toHaveLength(3), patient); // the next polls
  expect(await statesOf(engine, systemActorName)).not.toEqual([]);
  await owner.get(Orders).place('bob'); // closed while it is processed
  await owner.close();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toEqual([]), patient);
  expect(await statesOf(engine, systemActorName)).toEqual([]);

  await runner.get(Orders).place('cy');
  await rejectionOf(runner.caughtUp(), ActorsStoppedError);
  expect((await runner.status()).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
  const again = await start(engine, shop, { ...options, shutdownOnClose: true });
  await Promise.all([again.caughtUp(), runner.caughtUp()]);
  expect(await runner.get(Orders).log.head()).toBe(9);
});

test('a system can be started again while a shutdown waits for a long step', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  using held = heldShop();
  const { system, reached, release } = held;
  await serve(engine, system, { storage, systemActorName });
  const options = {
    storage,
    systemActorName,
    pollIntervalMs: never,
    shutdownOnClose: true,
    drainTimeoutMs: 60_000,
  };
  const runner = await start(engine, system, options);
  const id = await runner.get(Orders).place('ada');
  await reached;
  const closing = runner.close();
  // The worker whose step is held keeps its state of the previous step until the held step ends.
  const { worker } = actorNames(systemActorName);
  const others = async () =>
    (await statesOf(engine, systemActorName)).filter(
      (state) => state.service_name !== worker || state.actor !== '0/reservations',
    );
  await vi.waitFor(async () => expect(await others()).toEqual([]), patient);
  const next = await start(engine, system, options);
  await next.get(Orders).place('bob');
  expect(await resolvesWithin(closing, 100)).toBe(false);
  release();
  await closing;
  await next.caughtUp();
  expect((await next.get(Orders).get(id)).done).toBe(true);
  expect(await next.get(Orders).log.head()).toBe(6);
  await next.close();
  await vi.waitFor(async () => expect(await callsOf(engine, systemActorName)).toEqual([]), patient);
  expect(await statesOf(engine, systemActorName)).toEqual([]);
});

test('a service can close while a shutdown that needs it is waiting', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  using held = heldShop();
  const { system, reached, release } = held;
  const port = await freePort();
  const serviceOptions = { storage, systemActorName, port, drainTimeoutMs: 60_000 };
  const service = await serve(engine, system, serviceOptions);
  const options = { storage, systemActorName, pollIntervalMs: never, drainTimeoutMs: 60_000 };
  const runner = await start(engine, system, { ...options, shutdownOnClose: true });
  await runner.get(Orders).place('ada');
  await reached;
  const closing = runner.close();
  // The coordinator sends the worker a `stop`, too; the shutdown waits for the `stop` of the system actor.
  const names = actorNames(systemActorName);
  const waiting =
    `select id from sys_invocation where target_handler_name = 'stop' and status <> 'completed' and ` +
    `target_service_name = '${names.worker}' and target_service_key = '0/reservations' and ` +
    `invoked_by_service_name = '${names.system}'`;
  await vi.waitFor(async () => expect(await engine.query(waiting)).toHaveLength(1), patient);
  const ending = service.close();
  release();
  expect(await resolvesWithin(ending, 30_000)).toBe(true);
  await serve(engine, system, serviceOptions);
  await closing;
  expect(await statesOf(engine, systemActorName)).toEqual([]);
});

test('closing a runner and its service waits for drainTimeoutMs, and for nothing longer', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const drainTimeoutMs = 123_456;
  const service = await serve(engine, shop, { storage, systemActorName, drainTimeoutMs });
  const options = { storage, systemActorName, drainTimeoutMs, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  for (const part of [runner, service]) {
    const timers = await timersDuring(() => part.close());
    expect(timers).toContain(drainTimeoutMs);
    expect(Math.max(...timers)).toBe(drainTimeoutMs);
  }
});
