import { System } from 'kahn';
import { RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { Balancer } from '../../support/balancer.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { callsOf, heldShop, type Shop, serve, start, statesOf, urlOf } from '../../support/restate-shop.ts';

/** The shop of another version, in which nobody pays. */
const smaller = System.of([[Orders, Reservations, Orders]], { name: 'shop' });
const soon = { timeout: 60_000, interval: 20 };

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Which actors of a system have calls that are not done, or remember something. */
async function alive(systemActorName: string): Promise<string[]> {
  const calls = await callsOf(engine, systemActorName);
  const states = await statesOf(engine, systemActorName);
  return [...calls, ...states].map(({ actor }) => `${actor}`);
}

test('a call that goes on in a service with another graph does what it began, and locks nobody', {
  timeout: 60_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  const { system: larger, reached, release } = heldShop();
  const options = { persistence, systemActorName, hostname: '127.0.0.1', drainTimeoutMs: 0 };
  await using before = await RestateService.start(larger, { ...options, port: 0 });
  const port = await freePort();
  await using balancer = await Balancer.start([before.port, port]);
  await before.register({ adminUrl: engine.adminUrl, serviceUrl: balancer.url });
  const running = { persistence, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, larger, { ...running, drainTimeoutMs: 500 });
  await runner.get(Orders).place('ada');
  await reached;
  await runner.close(); // the actors wait for the step, and are to stop after it
  expect(await alive(systemActorName)).not.toEqual([]);
  await before.close();
  release();
  await using _after = await RestateService.start(smaller, { ...options, port });
  await vi.waitFor(async () => expect(await alive(systemActorName)).toEqual([]), soon);

  const next = await start(engine, smaller as unknown as Shop, running);
  const id = await next.get(Orders).place('bob');
  await next.caughtUp();
  expect((await next.get(Orders).get(id)).reservationId).toBeDefined();
  await next.close(); // before the service that it needs for that
});

test('an application that a new version does not have any more is stopped', async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { persistence, systemActorName });
  const runner = await start(engine, shop, { persistence, systemActorName });
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  await runner.close();
  expect(await alive(systemActorName)).toContain('0/payments');
  const options = { persistence, systemActorName, port: 0, hostname: '127.0.0.1' };
  await using service = await RestateService.start(smaller, options);
  await service.register({ adminUrl: engine.adminUrl, serviceUrl: urlOf(service), force: true });
  const running = { persistence, systemActorName, shutdownOnClose: true };
  const next = await start(engine, smaller as unknown as Shop, running);
  await vi.waitFor(async () => expect(await alive(systemActorName)).not.toContain('0/payments'), soon);
  expect(await alive(systemActorName)).toContain('0/reservations');
  await next.close(); // before the service that it needs for that
});
