import { setTimeout as delay } from 'node:timers/promises';
import { RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/protocol/actor-names.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { serve, start, urlOf } from '../../support/restate-shop.ts';
import { patient } from '../../support/until.ts';

const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Number of unfinished calls of these handlers, over all actors of a system. */
async function pending(systemActorName: string, ...handlers: readonly string[]): Promise<number> {
  const names = Object.values(actorNames(systemActorName)).map((name) => `'${name}'`);
  const [row] = await engine.query(
    `select count(*) as pending from sys_invocation where target_service_name in (${names}) and ` +
      `target_handler_name in (${handlers.map((handler) => `'${handler}'`)}) and status <> 'completed'`,
  );
  return Number(row!.pending);
}

test('steady saves of several runners are processed, and prompts do not accumulate', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never };
  const runners = await Promise.all(Array.from({ length: 4 }, () => start(engine, shop, options)));
  const stop = new AbortController();
  let placed = 0;
  const saving = runners.flatMap((runner) =>
    Array.from({ length: 4 }, async (_, i) => {
      for (; !stop.signal.aborted; placed += 1) await runner.get(Orders).place(`customer ${i}`);
    }),
  );
  const counts: number[] = [];
  await vi.waitUntil(async () => {
    counts.push(await pending(systemActorName, 'prompt'));
    return (await runners[0]!.get(Payments).log.head()) >= 300;
  }, patient);
  stop.abort();
  await Promise.all(saving);
  console.log(`${placed} orders placed; waiting prompts: ${counts}`);
  // A prompt of each runner for one log, at the pipeline and at its two followers, and prompts between workers.
  expect(Math.max(...counts)).toBeLessThanOrEqual(runners.length * 3 + 10);
  await runners[0]!.caughtUp();
  expect(await runners[0]!.get(Orders).log.head()).toBe(3 * placed);
});

test('while the service is away, saves and status requests leave one call each in the engine', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const port = await freePort();
  const serviceOptions = { storage, systemActorName, port };
  const service = await serve(engine, shop, serviceOptions);
  const options = { storage, systemActorName, pollIntervalMs: never };
  const runner = await start(engine, shop, options);
  await runner.caughtUp();
  await service.close();
  for (let i = 0; i < 20; i += 1) {
    await runner.get(Orders).place(`customer ${i}`);
    await delay(30); // so that they are not prompted together
  }
  const statuses = Array.from({ length: 10 }, () => runner.status());
  const waits = Array.from({ length: 10 }, () => runner.caughtUp({ signal: AbortSignal.timeout(2_000) }));
  await Promise.allSettled(waits);
  for (const [, reservations] of await Promise.all(statuses)) {
    expect(reservations).toMatchObject({ state: 'interrupted', lastError: { code: 'SERVICE_UNREACHABLE' } });
  }
  await runner.status();
  expect(await pending(systemActorName, 'status')).toBe(1);
  expect(await pending(systemActorName, 'prompt')).toBe(1);

  // The engine gives up the calls after a while: waiting callers do not notice, and prompts are sent again.
  const waiting = runner.caughtUp();
  const calls = await engine.query(
    `select id from sys_invocation where target_service_name = '${actorNames(systemActorName).pipeline}'`,
  );
  for (const { id } of calls) await fetch(`${engine.adminUrl}/invocations/${id}/kill`, { method: 'PATCH' });
  expect(calls).toHaveLength(2);

  await using newService = await RestateService.start(shop, serviceOptions);
  expect(urlOf(newService)).toBe(`http://127.0.0.1:${port}`);
  await waiting;
  expect(await runner.get(Orders).log.head()).toBe(60);
  await vi.waitFor(async () => expect(await pending(systemActorName, 'status', 'prompt')).toBe(0), patient);
  await runner.close(); // before the service
});
