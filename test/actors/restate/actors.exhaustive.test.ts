import { setTimeout as delay } from 'node:timers/promises';
import { postgres } from 'kahn/postgres';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName, PostgresServer } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { callsOf, serve, start, statesOf } from '../../support/servers/restate-shop.ts';
import { inTime, patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('polls keep their interval although the clock of the service is behind that of the engine', async () => {
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() - 30_000);
  onTestFinished(() => void vi.restoreAllMocks());
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const events = watchRunners();
  const options = { storage, systemActorName, pollIntervalMs: 1_000, shutdownOnClose: true };
  await start(engine, shop, options);
  await delay(3_000);
  const polls = () => events.filter(({ kind }) => kind === 'prompted').length;
  expect(polls()).toBeLessThan(4 * 10); // of four logs; the skew is found after a few polls
  await using orders = await shop.open(Orders, { storage });
  for (const customer of ['ada', 'grace']) {
    const id = await orders.place(customer); // recorded without a prompt
    await vi.waitFor(async () => expect((await orders.get(id)).done).toBe(true), patient);
  }
});

test('unreachable storage is retried with growing delays', async () => {
  await using database = await PostgresServer.start();
  const storage = postgres({ connectionString: database.url(), retryTimeoutMs: 0 });
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: 50, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  const events = watchRunners();
  const interruptions = () => events.filter(({ kind }) => kind === 'interrupted').length;
  await database.stopImmediately();
  await vi.waitUntil(() => interruptions() > 0, patient);
  await delay(3_000); // polls come every 50 ms meanwhile
  // After 50, 100, 200, ... ms, or half of that, for each of three applications.
  expect(interruptions()).toBeLessThan(3 * 9);
  await database.startAgain();
  const id = await runner.get(Orders).place('bob');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  await runner.close(); // needs the database, so before it
});

test('a start that is cancelled at any moment leaves nothing behind and does not disturb other runners', async () => {
  const random = randomNumbers(seed);
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const cancelStart = (pipelineIds: readonly number[]) => {
    const signal = AbortSignal.timeout(Math.round(random() * 250));
    const options = { storage, systemActorName, pipelineIds, shutdownOnClose: true, signal };
    return start(engine, shop, options).then(
      (runner) => runner.close(),
      () => {},
    );
  };
  for (let i = 0; i < 12; i += 1) await cancelStart([0, 1, 2, 3, i + 4]);
  await vi.waitFor(
    async () => expect(await callsOf(engine, systemActorName), `seed ${seed}`).toEqual([]),
    patient,
  );
  expect(await statesOf(engine, systemActorName), `seed ${seed}`).toEqual([]);

  const options = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  const orders = runner.get(Orders);
  for (let i = 0; i < 40; i += 1) {
    const signal = AbortSignal.timeout(Math.round(random() * (i < 8 ? 250 : 50)));
    const joining = { ...options, shutdownOnClose: false, signal };
    await start(engine, shop, joining).then(
      (other) => other.close(),
      () => {},
    );
    // A step or poll that was lost with the cancelled start would leave this order unprocessed.
    const id = await orders.place(`customer ${i}`);
    await runner.caughtUp({ signal: inTime() });
    expect((await orders.get(id)).done, `seed ${seed}, start ${i}`).toBe(true);
  }
});
