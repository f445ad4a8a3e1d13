import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';
import { RestateService } from 'kahn/restate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/protocol/actor-names.ts';
import { resolvesWithin } from '../../../src/util/timeout.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { type Shop, serve, start, urlOf } from '../../support/servers/restate-shop.ts';
import { patient } from '../../support/until.ts';

const never = 2 ** 30;

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

/** Many applications that follow a source, and a hub that follows all of them. */
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

/** Handlers of actors that are called while a system processes events. */
const working = ['prompt', 'process', 'done', 'resume'];

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

/** Waits until no actor has work; prompts that runners send when they start arrive before. */
async function untilNoneIsPending(systemActorName: string): Promise<void> {
  await vi.waitFor(async () => expect(await pending(systemActorName, ...working)).toBe(0), patient);
}

test('steady saves of several runners are processed, and prompts do not accumulate', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never };
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
  }, patient);
  stop.abort();
  await Promise.all(saving);
  console.log(`${placed} orders placed; waiting prompts: ${counts}`);
  // A prompt of each runner for one log, at the pipeline and at its two followers, and prompts between workers.
  expect(Math.max(...counts)).toBeLessThanOrEqual(runners.length * 3 + 10);
  await runners[0]!.caughtUp();
  expect(await runners[0]!.get(Orders).log.head()).toBe(3 * placed);
});

test('each of many upstreams of a busy follower has one prompt for it in the engine', async () => {
  const storage = temporaryPostgres();
  const { system, upstreamNames } = fanIn(12);
  const systemActorName = freshName('fan');
  await serve(engine, system, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never };
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
  // One from each worker to the hub; from the runner one for the log of the source, at the pipeline and at its followers.
  // The engine counts actor by actor, so a few may be counted twice.
  const most = upstreamNames.length + 1 + upstreamNames.length;
  expect(Math.max(...counts)).toBeLessThanOrEqual(most + 10);
  await runner.caughtUp();
});

test('a service that closes under load ends in time and leaves a bounded number of calls', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const port = await freePort();
  const serviceOptions = { storage, systemActorName, port, drainTimeoutMs: 100_000 };
  const options = { storage, systemActorName, pollIntervalMs: never };
  let service = await serve(engine, shop, serviceOptions);
  const runner = await start(engine, shop, options);
  let placed = 0;
  for (let round = 0; round < 5; round += 1) {
    const stop = new AbortController();
    const saving = (async () => {
      for (; !stop.signal.aborted; placed += 1) await runner.get(Orders).place(`customer ${placed}`);
    })();
    const head = await runner.get(Payments).log.head();
    await vi.waitUntil(async () => (await runner.get(Payments).log.head()) >= head + 20, patient);
    expect(await resolvesWithin(service.close(), 50_000)).toBe(true);
    const before = placed;
    await vi.waitUntil(() => placed >= before + 50, patient);
    stop.abort();
    await saving;
    // Each worker has a step under way and one to come, and prompts of one for its coordinator and at most two followers.
    // The runner has a prompt for each of three logs, at the pipeline and at most two followers.
    expect(await pending(systemActorName, ...working)).toBeLessThanOrEqual(3 * (1 + 1 + 1 + 2) + 3 * (1 + 2));
    service = await serve(engine, shop, serviceOptions);
    await runner.caughtUp();
  }
  expect(await runner.get(Orders).log.head()).toBe(3 * placed);
  await untilNoneIsPending(systemActorName);
});

test('while the service is unreachable, saves and status requests leave one call each in the engine', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const port = await freePort();
  const serviceOptions = { storage, systemActorName, port };
  const service = await serve(engine, shop, serviceOptions);
  const options = { storage, systemActorName, pollIntervalMs: never };
  const runner = await start(engine, shop, options);
  await runner.caughtUp();
  // Everything is processed, but workers may still send prompts. Prompts sent while the service closes stay in the
  // engine.
  await untilNoneIsPending(systemActorName);
  await service.close();
  await runner.get(Orders).place('customer 0');
  await vi.waitFor(async () => expect(await pending(systemActorName, 'prompt')).toBe(1), patient);
  for (let i = 1; i < 20; i += 1) await runner.get(Orders).place(`customer ${i}`);
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
