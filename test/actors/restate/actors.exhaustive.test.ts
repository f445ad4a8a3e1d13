import { setTimeout as delay } from 'node:timers/promises';
import { postgres } from 'kahn/postgres';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName, PostgresServer } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, start } from '../../support/servers/restate-shop.ts';
import { patient } from '../../support/until.ts';
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
