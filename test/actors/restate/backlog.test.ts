import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';
import { RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/names.ts';
import { resolvesWithin } from '../../../src/util/within.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { type Shop, serve, start, urlOf } from '../../support/restate-shop.ts';

const never = 2 ** 30;
const soon = { timeout: 60_000, interval: 20 };

type Added = DomainEvent<'Thing.Added', Record<string, never>>;

class Thing extends Aggregate<Added> {
  static add(): Thing {
    return Thing.create('Thing.Added', {});
  }

  protected override apply(): void {}
}

class Source extends Application<Added> {
  static readonly applicationName = 'source';
  static readonly emits = ['Thing.Added'] as const;

  async add(): Promise<void> {
    await this.save(Thing.add());
  }
}

class Hub extends ProcessApplication<Added, Added> {
  static readonly applicationName = 'hub';
  static readonly emits = ['Thing.Added'] as const;
  override readonly policy = this.when({ 'Thing.Added': () => {} });
}

/** Many applications that follow a source, and a hub that follows them all. */
function fanIn(count: number) {
  const upstreams = Array.from(
    { length: count },
    (_, i) =>
      class extends ProcessApplication<Added, Added> {
        static readonly applicationName: string = `upstream ${i}`;
        static readonly emits: readonly ['Thing.Added'] = ['Thing.Added'];
        override readonly policy = this.when({ 'Thing.Added': () => Thing.add() });
      },
  );
  const system = System.of(upstreams.map((upstream) => [Source, upstream, Hub]));
  return { system, upstreamNames: upstreams.map(({ applicationName }) => applicationName) };
}

/** What actors are called by while a system has something to do. */
const working = ['prompt', 'process', 'done', 'resume'];

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** How many calls of these handlers are under way or wait, in all actors of a system. */
async function pending(systemActorName: string, ...handlers: readonly string[]): Promise<number> {
  const names = Object.values(actorNames(systemActorName)).map((name) => `'${name}'`);
  const [row] = await engine.query(
    `select count(*) as pending from sys_invocation where target_service_name in (${names}) and ` +
      `target_handler_name in (${handlers.map((handler) => `'${handler}'`)}) and status <> 'completed'`,
  );
  return Number(row!.pending);
}

/** Waits until no actor has anything to do; what runners tell of when they start is told then. */
async function untilNoneIsPending(systemActorName: string): Promise<void> {
  await vi.waitFor(async () => expect(await pending(systemActorName, ...working)).toBe(0), soon);
}

test('under steady saves of several runners the system goes on, and prompts do not pile up', {
  timeout: 120_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { persistence, systemActorName });
  const options = { persistence, systemActorName, pollIntervalMs: never };
  const runners = await Promise.all(Array.from({ length: 4 }, () => start(engine, shop, options)));
  await untilNoneIsPending(systemActorName);
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
  }, soon);
  stop.abort();
  await Promise.all(saving);
  console.log(`${placed} orders placed; prompts that waited: ${counts}`);
  // One of each runner, for one log: at the pipeline, and at its two followers; and what workers tell each other.
  expect(Math.max(...counts)).toBeLessThanOrEqual(runners.length * 3 + 10);
  await runners[0]!.caughtUp();
  expect(await runners[0]!.get(Orders).log.head()).toBe(3 * placed);
});

test('many upstreams of a busy follower have one prompt for it each in the engine', {
  timeout: 240_000,
}, async () => {
  const persistence = temporaryPostgres();
  const { system, upstreamNames } = fanIn(12);
  const systemActorName = freshName('fan');
  await serve(engine, system, { persistence, systemActorName });
  const options = { persistence, systemActorName, pollIntervalMs: never };
  const runner = await start(engine, system as unknown as Shop, options);
  const source = runner.get(Source as never) as unknown as Source;
  await untilNoneIsPending(systemActorName);
  let added = 0;
  const adding = (async () => {
    for (; added < 400; added += 1) await source.add();
  })();
  const counts: number[] = [];
  while (added < 400) counts.push(await pending(systemActorName, 'prompt'));
  await adding;
  console.log(`prompts that waited: ${counts}`);
  // From each worker one to the hub. From the runner one for the log of the source, at the pipeline and at its followers.
  // The engine counts one actor after the other, so that a few may be counted twice.
  const most = upstreamNames.length + 1 + upstreamNames.length;
  expect(Math.max(...counts)).toBeLessThanOrEqual(most + 10);
  await runner.caughtUp();
});

test('a service closed in the middle of work ends soon, and leaves a few calls however much is saved then', {
  timeout: 240_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  const port = await freePort();
  const serviceOptions = { persistence, systemActorName, port, drainTimeoutMs: 100_000 };
  const options = { persistence, systemActorName, pollIntervalMs: never };
  let service = await serve(engine, shop, serviceOptions);
  const runner = await start(engine, shop, options);
  let placed = 0;
  for (let round = 0; round < 5; round += 1) {
    const stop = new AbortController();
    const saving = (async () => {
      for (; !stop.signal.aborted; placed += 1) await runner.get(Orders).place(`customer ${placed}`);
    })();
    const head = await runner.get(Payments).log.head();
    await vi.waitUntil(async () => (await runner.get(Payments).log.head()) >= head + 20, soon);
    expect(await resolvesWithin(service.close(), 50_000)).toBe(true);
    const before = placed;
    await vi.waitUntil(() => placed >= before + 50, soon);
    stop.abort();
    await saving;
    // Each worker has a step under way and one to come, and has told of one, to its coordinator and two followers at most.
    // The runner has a prompt for each of three logs, at the pipeline and at two followers at most.
    expect(await pending(systemActorName, ...working)).toBeLessThanOrEqual(3 * (1 + 1 + 1 + 2) + 3 * (1 + 2));
    service = await serve(engine, shop, serviceOptions);
    await runner.caughtUp();
  }
  expect(await runner.get(Orders).log.head()).toBe(3 * placed);
  await untilNoneIsPending(systemActorName);
});

test('while the service is away, saves and looks leave a call each in the engine, not one for each time', {
  timeout: 120_000,
}, async () => {
  const persistence = temporaryPostgres();
  const systemActorName = freshName('shop');
  const port = await freePort();
  const serviceOptions = { persistence, systemActorName, port };
  const service = await serve(engine, shop, serviceOptions);
  const options = { persistence, systemActorName, pollIntervalMs: never };
  const runner = await start(engine, shop, options);
  await runner.caughtUp();
  // All is processed, but workers may not have told so yet: what they tell while the service closes stays in the engine.
  await untilNoneIsPending(systemActorName);
  await service.close();
  await runner.get(Orders).place('customer 0');
  await vi.waitFor(async () => expect(await pending(systemActorName, 'prompt')).toBe(1), soon);
  for (let i = 1; i < 20; i += 1) await runner.get(Orders).place(`customer ${i}`);
  const looks = Array.from({ length: 10 }, () => runner.status());
  const waits = Array.from({ length: 10 }, () => runner.caughtUp({ signal: AbortSignal.timeout(2_000) }));
  await Promise.allSettled(waits);
  for (const [, reservations] of await Promise.all(looks)) {
    expect(reservations).toMatchObject({ state: 'interrupted', lastError: { code: 'SERVICE_UNREACHABLE' } });
  }
  await runner.status();
  expect(await pending(systemActorName, 'status')).toBe(1);
  expect(await pending(systemActorName, 'prompt')).toBe(1);

  // The engine gives them up after a while: nobody who waits minds, and what was to be told is told again.
  const waiting = runner.caughtUp();
  const given = await engine.query(
    `select id from sys_invocation where target_service_name = '${actorNames(systemActorName).pipeline}'`,
  );
  for (const { id } of given) await fetch(`${engine.adminUrl}/invocations/${id}/kill`, { method: 'PATCH' });
  expect(given).toHaveLength(2);

  await using again = await RestateService.start(shop, serviceOptions);
  expect(urlOf(again)).toBe(`http://127.0.0.1:${port}`);
  await waiting;
  expect(await runner.get(Orders).log.head()).toBe(60);
  await vi.waitFor(async () => expect(await pending(systemActorName, 'status', 'prompt')).toBe(0), soon);
  await runner.close(); // before the service
});
