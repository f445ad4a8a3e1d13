import { DownstreamError } from 'kahn';
import { ActorsStoppedError, RestateRunner } from 'kahn/restate';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryPostgres } from '../../../support/servers/postgres.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../../support/servers/restate-engine.ts';
import { serve } from '../../../support/servers/restate-shop.ts';
import { brokenShop } from '../../../support/systems/broken-shop.ts';
import { hitsOf, Ping, Pong, rallies, Umpire } from '../../../support/systems/rallies.ts';
import { inTime } from '../../../support/until.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('a save is settled while a rally without end goes on, with exactly its own effects', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('rallies');
  await serve(engine, rallies, { storage, systemActorName });
  const { ingressUrl, adminUrl } = engine;
  const options = { storage, systemActorName, ingressUrl, adminUrl, shutdownOnClose: true };
  await using runner = await RestateRunner.start(rallies, options);
  const players = [runner.get(Ping), runner.get(Pong)];
  await players[0]!.serve(2 ** 40);
  for (const [left, hits] of [
    [0, 1],
    [5, 6],
  ] as const) {
    const saved = await players[1]!.serve(left);
    await runner.settled(saved, { signal: inTime() });
    expect(await hitsOf(players, saved.correlationId)).toBe(hits);
    await runner.processed(saved, { by: Umpire, signal: inTime() });
  }
});

test('caughtUp() resolves while others save', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('rallies');
  await serve(engine, rallies, { storage, systemActorName });
  const { ingressUrl, adminUrl } = engine;
  const options = { storage, systemActorName, ingressUrl, adminUrl, shutdownOnClose: true };
  await using runner = await RestateRunner.start(rallies, options);
  const players = [runner.get(Ping), runner.get(Pong)];
  let isOver = false;
  const load = (async () => {
    while (!isOver) await players[0]!.serve(1);
  })();
  onTestFinished(() => {
    isOver = true;
  });
  const saved = await players[1]!.serve(3);
  await runner.caughtUp({ signal: inTime() });
  expect(await hitsOf(players, saved.correlationId)).toBe(4);
  isOver = true;
  await load;
});

test('a wait rejects with the failure of an actor, and when the actors are shut down', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, brokenShop, { storage, systemActorName });
  const { ingressUrl, adminUrl } = engine;
  const options = { storage, systemActorName, ingressUrl, adminUrl };
  await using runner = await RestateRunner.start(brokenShop, options);
  await runner.settled(await runner.get(Orders).save(Order.place('ada')), { signal: inTime() });
  const failing = await runner.get(Orders).save(Order.place('mallory'));
  const error = await rejectionOf(runner.settled(failing, { signal: inTime() }), DownstreamError);
  expect([...error.failures.keys()]).toEqual(['reservations']);
  const other = await RestateRunner.start(brokenShop.bind(storage), {
    systemActorName,
    ingressUrl,
    adminUrl,
    shutdownOnClose: true,
  });
  await other.close();
  await rejectionOf(runner.settled(failing, { signal: inTime() }), ActorsStoppedError);
});
