import { setTimeout as delay } from 'node:timers/promises';
import { DownstreamError, type KahnError, System } from 'kahn';
import { postgres } from 'kahn/postgres';
import { ActorsMismatchError, RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/protocol/actor-names.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertSound } from '../../support/logs.ts';
import { Balancer, portOf } from '../../support/servers/balancer.ts';
import {
  connectionString,
  query,
  temporaryPostgres,
  temporarySchema,
} from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, shopWith, start, statesOf } from '../../support/servers/restate-shop.ts';
import { inTime, patient, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('actors continue without a runner, find events without prompts, and are joined by the next runner', async () => {
  const schema = temporarySchema();
  const storage = postgres({ connectionString, schema });
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: 100 };
  const first = await start(engine, shop, options);
  await first.get(Orders).place('zoe');
  await first.caughtUp();
  await first.close();
  await using orders = await shop.open(Orders, { storage });
  for (const customer of ['ada', 'grace']) {
    const id = await orders.place(customer); // recorded without a prompt
    await vi.waitFor(async () => expect((await orders.get(id)).done).toBe(true), patient);
  }
  const [second, third] = await Promise.all([start(engine, shop, options), start(engine, shop, options)]);
  const placed = await Promise.all([second.get(Orders).place('bob'), third.get(Orders).place('cy')]);
  await Promise.all([second.caughtUp(), third.caughtUp()]);
  for (const one of placed) expect((await orders.get(one)).done).toBe(true);
  await start(engine, shop, { ...options, shutdownOnClose: true });
});

test('a runner with other pipelines or another system is rejected and does not disturb the actors', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never, shutdownOnClose: true };
  const runner = await start(engine, shop, { ...options, pipelineIds: [1, 0] });
  await start(engine, shop, { ...options, pipelineIds: [0, 1], shutdownOnClose: false });
  const mismatch = await rejectionOf(start(engine, shop, options), ActorsMismatchError);
  expect(mismatch.message).toContain(
    'it already runs in pipelines 0, 1, not 0. Start the runner with the same',
  );
  const other = System.of([[Orders, Reservations]]);
  const refusal = await rejectionOf(start(engine, other as never, options), ActorsMismatchError);
  expect(refusal.message).toContain('Register the service of this version of the system first');
  const id = await runner.get(Orders, 0).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders, 0).get(id)).done).toBe(true);
});

test('a policy that fails is not retried before the next start, and other applications continue', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  let calls = 0;
  let isBroken = true;
  const system = shopWith((customer) => {
    if (customer !== 'mallory') return;
    calls += 1;
    if (isBroken) throw new RangeError('nothing for mallory');
  });
  await serve(engine, system, { storage, systemActorName });
  const events = watchRunners();
  const options = { storage, systemActorName, pollIntervalMs: 1_000 };
  const runner = await start(engine, system, options);
  const id = await runner.get(Orders).place('mallory');
  const error = await rejectionOf(runner.caughtUp(), DownstreamError);
  expect(error.failures.get('reservations')).toMatchObject({ code: 'POLICY_FAILED', notificationId: 1 });
  await runner.get(Orders).place('ada'); // prompts again
  await rejectionOf(runner.caughtUp(), DownstreamError);
  const status = await vi.waitUntil(async () => {
    const rows = await runner.status();
    return `${rows.map(({ state }) => state)}` === 'idle,failed,idle' && rows;
  }, patient);
  expect(status[1]).toMatchObject({
    lastError: { code: 'POLICY_FAILED', cause: { message: 'nothing for mallory' } },
  });
  expect(status[2]?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 2, lag: 0 }]);
  expect(calls).toBe(1);
  expect(events.filter(({ kind }) => kind === 'failed')).toHaveLength(1);

  isBroken = false;
  const next = await start(engine, system, { ...options, shutdownOnClose: true });
  await next.caughtUp();
  expect((await next.get(Orders).get(id)).done).toBe(true);
  await runner.caughtUp();
  expect(calls).toBe(2);
});

test('a long error is truncated to a size that an engine can store', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  let calls = 0;
  const system = shopWith(() => {
    calls += 1;
    const fields = { code: 'HUGE', note: long, more: Object.fromEntries(words.map((word) => [word, word])) };
    throw Object.assign(new Error(long, { cause: new Error(long) }), fields);
  });
  const long = 'nothing '.repeat(2 ** 21); // 16 MB
  const words = Array.from({ length: 10_000 }, (_, i) => `word ${i}`);
  await serve(engine, system, { storage, systemActorName });
  const options = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, system, options);
  await runner.get(Orders).place('ada');
  const error = await rejectionOf(runner.caughtUp(), DownstreamError);
  const failure = error.failures.get('reservations') as Error & { cause: Error & { code?: string } };
  expect(failure.message).toContain('nothing');
  expect(failure.cause.message).toMatch(/^nothing .{3990,} … \(16777216 characters\)$/);
  expect(failure.cause.code).toBe('HUGE');
  expect(calls).toBe(1);
  const state = await statesOf(engine, systemActorName);
  expect(JSON.stringify(state).length).toBeLessThan(100_000);
});

test('a step that takes longer than the inactivity timeout of the engine is processed once', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  let taken = 0;
  const system = shopWith(async () => {
    taken += 1;
    await delay(2_500); // more than twice the timeout
  });
  await serve(engine, system, { storage, systemActorName });
  const runner = await start(engine, system, { storage, systemActorName, pollIntervalMs: never });
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(taken).toBe(1);
});

test('a step whose call was killed is repeated', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const system = shopWith(async () => {
    reached.resolve();
    await released.promise;
  });
  await serve(engine, system, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: 100, shutdownOnClose: true };
  const runner = await start(engine, system, options);
  const id = await runner.get(Orders).place('ada');
  await reached.promise;
  const [step] = await engine.query(
    `select id from sys_invocation where target_service_name = '${actorNames(systemActorName).worker}' ` +
      `and target_service_key = '0/reservations'`,
  );
  await fetch(`${engine.adminUrl}/invocations/${step!.id}/kill`, { method: 'PATCH' });
  released.resolve();
  await runner.caughtUp({ signal: inTime() });
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  await assertSound(storage);
});

test('a step whose result does not reach the engine records nothing twice, and its followers are prompted', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await using service = await RestateService.start(shop, { storage, systemActorName, port: 0 });
  await using toService = await Balancer.start([service.port]);
  await service.register({ adminUrl: engine.adminUrl, serviceUrl: toService.url });
  const options = { storage, systemActorName, pollIntervalMs: never, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  await runner.caughtUp();
  const cut = new Set<string>();
  watchRunners((event) => {
    // The result of the step is recorded, and the call is not answered yet.
    if (event.kind !== 'processed' || cut.has(event.applicationName)) return;
    cut.add(event.applicationName);
    toService.cut();
  });
  const id = await runner.get(Orders).place('ada');
  await vi.waitFor(async () => expect((await runner.get(Orders).get(id)).done).toBe(true), patient);
  expect(cut).toEqual(new Set(['reservations', 'orders', 'payments']));
  const heads = shop.applications.map((kind) => runner.get(kind).log.head());
  expect(await Promise.all(heads)).toEqual([3, 1, 1]);
  await runner.close(); // needs the service, so before it
});

test.each(['before', 'after'])(
  'a runner and a service with different storage report it for an event saved %s the start',
  async (when) => {
    const systemActorName = freshName('shop');
    const elsewhere = temporaryPostgres();
    for (const kind of shop.applications) await (await shop.open(kind, { storage: elsewhere })).close();
    await serve(engine, shop, { storage: elsewhere, systemActorName });
    const storage = temporaryPostgres();
    const options = { storage, systemActorName, shutdownOnClose: true };
    if (when === 'before') {
      await using orders = await shop.open(Orders, { storage });
      await orders.place('ada');
    }
    const runner = await start(engine, shop, options);
    if (when === 'after') await runner.get(Orders).place('ada');
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    expect(error.failures.get('reservations')).toMatchObject({
      code: 'STORAGE_MISMATCH',
      message: expect.stringContaining('give the runner and the service the same database and schema'),
    });
  },
);

test('a service whose storage is not set up shows that, and goes on trying', async () => {
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage: temporaryPostgres(), systemActorName });
  const options = { storage: temporaryPostgres(), systemActorName, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  await runner.get(Orders).place('ada');
  await until('the service is interrupted', async () => {
    const status = await runner.status();
    const { state, lastError } = status.find((one) => one.applicationName === 'reservations')!;
    expect(state).not.toBe('failed');
    return state === 'interrupted' && (lastError as KahnError).code === 'STORAGE_NOT_SET_UP';
  });
});

test('two systems of one engine do not disturb each other, with any names', async () => {
  const names = [freshName('a.b'), freshName('a b/ü')];
  const runners = [];
  for (const systemActorName of names) {
    const storage = temporaryPostgres();
    await serve(engine, shop, { storage, systemActorName });
    runners.push(await start(engine, shop, { storage, systemActorName, shutdownOnClose: true }));
  }
  for (const [i, runner] of runners.entries()) {
    for (let n = 0; n <= i; n += 1) await runner.get(Orders).place(`${n}`);
  }
  for (const [i, runner] of runners.entries()) {
    await runner.caughtUp();
    expect(await runner.get(Orders).log.head()).toBe(3 * (i + 1));
  }
});

test('a new version takes over while the old one runs, and running steps end where they began', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const seen: string[] = [];
  const old = shopWith(async (customer) => {
    seen.push(`old ${customer}`);
    reached.resolve();
    await released.promise;
  });
  const oldService = await serve(engine, old, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never, shutdownOnClose: true };
  const runner = await start(engine, old, options);
  await runner.get(Orders).place('ada');
  await reached.promise;
  const renewed = shopWith((customer) => void seen.push(`new ${customer}`));
  await serve(engine, renewed, { storage, systemActorName });
  await runner.get(Orders).place('bob');
  const closing = oldService.close();
  released.resolve();
  await closing;
  await runner.caughtUp();
  expect(seen).toEqual(['old ada', 'new bob']);
  expect(await runner.get(Orders).log.head()).toBe(6);
  await runner.close(); // needs the service, so before it
});

test('an engine stores no secret of the storage, whether the storage can be reached or not', async () => {
  const password = freshName('secret');
  const role = freshName('role');
  await query(`create role ${role} login superuser password '${password}'`);
  onTestFinished(async () => {
    await query(`drop owned by ${role} cascade`);
    await query(`drop role ${role}`);
  });
  const url = new URL(connectionString);
  url.username = role;
  url.password = password;
  const storage = postgres({ connectionString: url.href, schema: temporarySchema() });
  const broken = new URL(url);
  broken.port = '1';
  const systemActorName = freshName('shop');
  const sent: Buffer[] = [];
  const collect = (bytes: Buffer) => void sent.push(bytes);
  await using ingress = await Balancer.start([portOf(engine.ingressUrl)], collect);
  await using service = await RestateService.start(shop, { storage, systemActorName, port: 0 });
  await using toService = await Balancer.start([service.port], collect);
  await service.register({ adminUrl: engine.adminUrl, serviceUrl: toService.url });
  const options = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start({ adminUrl: engine.adminUrl, ingressUrl: ingress.url }, shop, options);
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  // The same system with a service that cannot reach the database and reports that to the engine.
  const unreachable = postgres({ connectionString: broken.href, retryTimeoutMs: 0 });
  await using other = await RestateService.start(shop, {
    storage: unreachable,
    systemActorName,
    port: 0,
  });
  await using toOther = await Balancer.start([other.port], collect);
  await other.register({ adminUrl: engine.adminUrl, serviceUrl: toOther.url });
  await runner.get(Orders).place('bob');
  await vi.waitFor(async () => {
    expect((await runner.status()).some(({ lastError }) => /ECONNREFUSED/.test(`${lastError}`))).toBe(true);
  }, patient);
  await runner.close();
  const all = Buffer.concat(sent).toString('latin1');
  for (const known of ['reservations', 'ECONNREFUSED']) expect(all).toContain(known); // proves that the search works
  expect(all).not.toContain(password);
});
