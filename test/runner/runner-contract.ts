import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  DownstreamError,
  explain,
  InvalidIdError,
  InvalidOptionError,
  KahnError,
  PipelineFixedError,
  RunnerClosedError,
  type RunnerOptions,
  type StorageDescription,
  type System,
  type SystemRunner,
  SystemRunningError,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import type { Payments } from '../../examples/shop/payments.ts';
import type { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';
import { applicationInternals } from '../../src/application/application.ts';
import { rejectionOf } from '../support/errors.ts';
import { assertSound } from '../support/logs.ts';
import { brokenShop } from '../support/systems/broken-shop.ts';
import { Answers, contexts, Questions, request } from '../support/systems/contexts.ts';
import { hungInvoices } from '../support/systems/hung-policy.ts';
import { Ball, Ping, rallies, type Umpire } from '../support/systems/rallies.ts';
import { byTier } from '../support/tier.ts';
import { until } from '../support/until.ts';
import { watchRunners } from '../support/watchers/events.ts';

type Apps = typeof Orders | typeof Reservations | typeof Payments;

/** A runner under test, on some storage. */
export interface RunnerSubject {
  readonly name: string;
  start(system: System<Apps>, options: RunnerOptions): Promise<SystemRunner<Apps>>;
  /** Creates empty storage for the current test. */
  createStorage(): StorageDescription;
  /** Whether to run the tests that do not depend on the storage, too: once for each runner. */
  readonly isFirstStorage: boolean;
  /** Whether runners on other hosts may run other pipelines. */
  readonly sharesSystem?: boolean;
}

const customers = Array.from({ length: 25 }, (_, i) => `customer ${i}`);

async function placeAll(runner: SystemRunner<Apps>): Promise<string[]> {
  const ids = [];
  for (const customer of customers) ids.push(await runner.get(Orders).place(customer));
  await runner.caughtUp();
  return ids;
}

async function headsAndPositions(runner: SystemRunner<Apps>, system: System<Apps> = shop) {
  const heads: number[] = [];
  for (const kind of system.applications) heads.push(await runner.get(kind).log.head());
  const positions: Record<string, number> = {};
  for (const { upstream, downstream } of system.graph.edges) {
    const follower = system.applications.find(({ applicationName }) => applicationName === downstream);
    const { recorder } = applicationInternals.storeOf(runner.get(follower!));
    positions[`${upstream}>${downstream}`] = (await recorder.position(0, upstream)).position;
  }
  return { heads, positions };
}

const everything = (orders: number) => ({
  heads: [3 * orders, orders, orders],
  positions: {
    'orders>reservations': 3 * orders,
    'orders>payments': 3 * orders,
    'reservations>orders': orders,
    'payments>orders': orders,
  },
});

async function historiesOf(runner: SystemRunner<Apps>) {
  return canonicalHistories(
    shop.applications.map((kind) => runner.get(kind)),
    { causes: true },
  );
}

async function assertAllDone(runner: SystemRunner<Apps>, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await runner.get(Orders).get(id)).toMatchObject({ done: true, version: 3 });
}

/** Defines the first test of the contract in the quick tier, and the others in the exhaustive one. */
export function tieredRunnerContract(subject: RunnerSubject): void {
  byTier(runnerScenario, restOfContract)(subject);
}

/** Defines the tests that every runner passes on every storage. */
export function runnerContract(subject: RunnerSubject): void {
  runnerScenario(subject);
  restOfContract(subject);
}

function runnerScenario({ name, start, createStorage }: RunnerSubject): void {
  test(`${name}: every order ends reserved and paid, with 5 events and 8 processed notifications`, async () => {
    const storage = createStorage();
    await using runner = await start(shop, { storage });
    const ids = await placeAll(runner);
    await assertAllDone(runner, ids);
    expect(await headsAndPositions(runner)).toEqual(everything(customers.length));
    await assertSound(storage);
  });
}

function restOfContract(subject: RunnerSubject): void {
  describe(subject.name, () => {
    processing(subject);
    asynchronousContexts(subject);
    endlessPolicies(subject);
    lifecycle(subject);
    if (!subject.isFirstStorage) return;
    calls(subject);
    access(subject);
  });
}

/** Results of processing. */
function processing({ start, createStorage }: RunnerSubject): void {
  test('a hundred orders placed at the same time end reserved and paid', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => runner.get(Orders).place(`${i}`)));
    await runner.caughtUp();
    await assertAllDone(runner, ids);
    expect(await headsAndPositions(runner)).toEqual(everything(100));
  });

  test('every event names its cause, with the correlation id and the metadata of its command', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const options = { correlationId: 'order 1', metadata: { user: 'ada' } };
    const saved = await runner.get(Orders).save(Order.place('ada'), options);
    await runner.caughtUp();
    const place = { applicationName: 'orders', pipelineId: 0, notificationId: 1 };
    expect(saved).toEqual({ ...place, count: 1, correlationId: 'order 1' });
    const causes: unknown[] = [];
    for (const kind of shop.applications) {
      for await (const { event } of runner.get(kind).reader()) {
        expect(event).toMatchObject(options);
        causes.push([event.type, event.cause]);
      }
    }
    expect(causes).toEqual([
      ['Order.Created', undefined],
      ['Order.Reserved', { ...place, applicationName: 'reservations' }],
      ['Order.Paid', { ...place, applicationName: 'payments' }],
      ['Reservation.Created', place],
      ['Payment.Created', { ...place, notificationId: 2 }],
    ]);
    const { causes: explained, event } = await explain(runner, Orders, 2);
    expect(explained.map(({ type }) => type)).toEqual(['Reservation.Created', 'Order.Created']);
    expect(event.effects).toMatchObject([{ type: 'Payment.Created', effects: [{ type: 'Order.Paid' }] }]);
  });

  test('processes events recorded before the start, and a second start adds nothing', async () => {
    const storage = createStorage();
    const ids: string[] = [];
    {
      await using orders = await shop.open(Orders, { storage });
      for (const customer of customers) ids.push(await orders.place(customer));
    }
    for (let round = 0; round < 2; round++) {
      await using runner = await start(shop, { storage });
      await runner.caughtUp();
      await assertAllDone(runner, ids);
      expect(await headsAndPositions(runner)).toEqual(everything(customers.length));
    }
  });

  test('the histories are the same with any batch size', async () => {
    const histories = [];
    for (const batchSize of [1, 7, 500]) {
      const storage = createStorage();
      await using orders = await shop.open(Orders, { storage });
      for (const customer of customers) await orders.place(customer);
      await using runner = await start(shop, { storage, batchSize, cacheSize: batchSize });
      await runner.caughtUp();
      histories.push(await historiesOf(runner));
    }
    expect(histories[0]).toHaveLength(3 * customers.length);
    expect(histories[1]).toEqual(histories[0]);
    expect(histories[2]).toEqual(histories[0]);
  });

  test('a policy error stops its application and no other, and rejects caughtUp()', async () => {
    const storage = createStorage();
    const ids: string[] = [];
    {
      await using runner = await start(brokenShop as System<Apps>, { storage });
      ids.push(await runner.get(Orders).place('ada'));
      await runner.caughtUp();
      await runner
        .get(Orders)
        .place('mallory')
        .catch(() => {});
      const error = await rejectionOf(runner.caughtUp(), DownstreamError);
      expect(error.failures.get('reservations')).toMatchObject({
        code: 'POLICY_FAILED',
        applicationName: 'reservations',
        upstreamName: 'orders',
        notificationId: 4,
        eventType: 'Order.Created',
      });
      expect(error.message).toContain("Application 'reservations' failed and is stopped");
      expect(error.message).toContain('nothing for mallory');
      expect((await headsAndPositions(runner, brokenShop as System<Apps>)).positions).toMatchObject({
        'orders>reservations': 3,
        'orders>payments': 4,
      });
    }
    await using repaired = await start(shop, { storage });
    await repaired.caughtUp();
    await assertAllDone(repaired, ids);
    expect(await headsAndPositions(repaired)).toEqual(everything(2));
  });
}

/** What callers and policies keep in an `AsyncLocalStorage`. */
function asynchronousContexts({ start, createStorage }: RunnerSubject): void {
  test("a policy sees no caller's context, nor that of another event, and what it opens may save after it", async () => {
    const system = contexts as unknown as System<Apps>;
    await using started = await request.run('start', () => start(system, { storage: createStorage() }));
    const runner = started as unknown as SystemRunner<typeof Questions | typeof Answers>;
    const questions = runner.get(Questions);
    await Promise.all([1, 2, 3].map((n) => questions.ask(n)));
    await questions.ask(4);
    await runner.caughtUp();
    const eventsOf = async (type: string) => {
      const all = [];
      for await (const { event } of runner.get(Answers).reader()) all.push(event);
      return all.filter((event) => event.type === type).map(({ data }) => data);
    };
    for await (const { event } of runner.get(Answers).reader())
      if (event.type === 'Answer.Given') expect(event.metadata).toEqual({ seenByCarryMetadata: 'nothing' });
    expect(await eventsOf('Answer.Given')).toEqual(Array(4).fill({ seen: 'nothing', seenLater: 'nothing' }));
    await until('the timer has saved', async () => (await eventsOf('Answer.Late')).length > 0);
    expect(await eventsOf('Answer.Late')).toEqual([{ refused: 'SAVE_IN_POLICY' }]);
  });

  test('a caller keeps its context, and listeners see none', async () => {
    const seen: unknown[] = [];
    const listener = () => seen.push(request.getStore());
    subscribe('kahn:processed', listener);
    onTestFinished(() => void unsubscribe('kahn:processed', listener));
    await using runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    request.run('subscriber', () => orders.subscribe(listener));
    const contexts = await Promise.all(
      [1, 2, 3].map((n) =>
        request.run(n, async () => {
          await orders.place(`${n}`);
          await runner.caughtUp();
          return request.getStore();
        }),
      ),
    );
    expect(contexts).toEqual([1, 2, 3]);
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
}

/** Policies that answer each other without an end. */
function endlessPolicies({ start, createStorage }: RunnerSubject): void {
  test('an endless loop of policies is reported, and holds up neither timers nor other commands nor close()', async () => {
    const looping = Promise.withResolvers<unknown>();
    subscribe('kahn:looping', looping.resolve);
    onTestFinished(() => void unsubscribe('kahn:looping', looping.resolve));
    const storage = createStorage();
    const started = await start(rallies as unknown as System<Apps>, { storage, drainTimeoutMs: 3_000 });
    await using runner = started as unknown as SystemRunner<typeof Ping | typeof Umpire>;
    const ping = runner.get(Ping);
    const serving = ping.serve(Number.MAX_SAFE_INTEGER).catch(() => {}); // a single thread waits for all effects
    let beats = 0;
    const timer = setInterval(() => {
      beats += 1;
    }, 1);
    onTestFinished(() => clearInterval(timer));
    expect(await looping.promise).toMatchObject({
      hops: 1_000,
      correlationId: expect.any(String),
      circle: expect.arrayContaining([
        { applicationName: 'ping', eventType: 'Ball.Hit' },
        { applicationName: 'pong', eventType: 'Ball.Hit' },
      ]),
    });
    expect(beats).toBeGreaterThan(10);
    const other = Ball.hit(0);
    void ping.save(other).catch(() => {});
    await until('another command is recorded', () => ping.repository.has(Ball, other.id));
    await runner.close();
    await serving;
  });
}

/** Start and close. */
function lifecycle({ start, createStorage }: RunnerSubject): void {
  test('start() resolves if a policy fails on what was recorded before; status() and caughtUp() show it', async () => {
    const storage = createStorage();
    {
      await using orders = await shop.open(Orders, { storage });
      await orders.place('mallory');
    }
    await using runner = await start(brokenShop as System<Apps>, { storage });
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    expect(error.failures.get('reservations')).toMatchObject({ code: 'POLICY_FAILED', notificationId: 1 });
    expect((await runner.status())[1]).toMatchObject({ applicationName: 'reservations', state: 'failed' });
  });

  test('close() finishes the saves under way', async () => {
    const storage = createStorage();
    const runner = await start(shop, { storage });
    const placing = customers.map((customer) => runner.get(Orders).place(customer));
    await runner.close();
    const ids = await Promise.all(placing);
    await using again = await start(shop, { storage });
    await again.caughtUp();
    await assertAllDone(again, ids);
  });

  test('close() keeps its time while a policy never ends, and names the application', async () => {
    const events = watchRunners();
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const system = hungInvoices as unknown as System<Apps>;
    const runner = await start(system, { storage: createStorage(), drainTimeoutMs: 500 });
    const placing = runner
      .get(Orders)
      .place('ada')
      .catch(() => {}); // a single thread waits for the policy
    let timesRunning = 0; // a tick without work runs, too, for a moment
    await until('the policy runs', async () => {
      timesRunning = (await runner.status())[1]?.state === 'running' ? timesRunning + 1 : 0;
      return timesRunning > 20;
    });
    const began = performance.now();
    await runner.close();
    await placing;
    expect(performance.now() - began).toBeLessThan(8_000); // the default time is 10 s
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'stopped', applicationName: 'invoices', terminated: true }),
    );
    await until('the warning is emitted', () => warnings.some(({ message }) => message.includes('invoices')));
  });

  test('a start that is aborted, or cannot open its storage, leaves nothing behind', async () => {
    const storage = createStorage();
    const reason = new Error('no time');
    await expect(start(shop, { storage, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const nowhere = {
      module: 'data:text/javascript,export const openStorage = () => Promise.reject(new Error("no"))',
    };
    await expect(start(shop, { storage: { ...nowhere, options: {} } })).rejects.toThrow('no');
    await (await start(shop, { storage })).close();
  });
}

/** Calls that are refused. */
function calls({ start, createStorage }: RunnerSubject): void {
  test('start() rejects a running system, and accepts a copy of it and a closed one', async () => {
    const storage = createStorage();
    await using runner = await start(shop, { storage });
    await rejectionOf(start(shop, { storage: createStorage() }), SystemRunningError);
    await (await start(shop.bind(createStorage()), {})).close();
    await runner.close();
    await (await start(shop, { storage })).close();
  });

  test('rejects every call after close()', async () => {
    const runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    await runner.close();
    await runner.close();
    expect(() => runner.get(Orders)).toThrow(RunnerClosedError);
    expect(() => runner.storage).toThrow(RunnerClosedError);
    await rejectionOf(runner.caughtUp(), RunnerClosedError);
    await expect(orders.place('late')).rejects.toMatchObject({ code: 'APPLICATION_NOT_OPEN' });
  });

  test('start() rejects wrong options before anything is opened', async () => {
    const storage = createStorage();
    const bad: [unknown, RegExp][] = [
      [
        { storag: storage },
        /^Unknown option 'storag' of \w+\.start\(\)\. Did you mean 'storage'\? Options: storage/,
      ],
      [
        { storage, batchSize: 0 },
        /^Expected option 'batchSize' of \w+\.start\(\) to be an integer >= 1, got 0\.$/,
      ],
      [
        { storage, cacheSize: -1 },
        /^Expected option 'cacheSize' of \w+\.start\(\) to be an integer >= 0, got -1\.$/,
      ],
      [
        { storage: {} },
        /^Expected option 'storage' of \w+\.start\(\) to be the result of memory\(\), sqlite/,
      ],
    ];
    for (const [options, message] of bad) {
      const error = await rejectionOf(start(shop, options as RunnerOptions), KahnError);
      expect(error.message).toMatch(message);
    }
    await (await start(shop, { storage })).close();
  });
}

/** Calls of a running system. */
function access({ start, createStorage, sharesSystem }: RunnerSubject): void {
  test('caughtUp() can be aborted', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const reason = new Error('no time');
    await expect(runner.caughtUp({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await runner.caughtUp({ signal: new AbortController().signal });
  });

  test('an application cannot be closed without its runner', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    await expect(orders.close()).rejects.toMatchObject({
      code: 'APPLICATION_OWNED_BY_RUNNER',
      applicationName: 'orders',
    });
    const id = await orders.place('ada');
    await runner.caughtUp();
    await assertAllDone(runner, [id]);
  });

  test('get() returns the application in a pipeline, by default in the first pipeline of the runner', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    expect(runner.get(Orders)).toBe(runner.get(Orders, 0));
    expect(runner.get(Orders).pipelineId).toBe(0);
    expect(() => runner.get(Orders).changePipeline(1)).toThrow(PipelineFixedError);
    expect(() => runner.get(Orders, -1)).toThrow(InvalidIdError);
    if (sharesSystem) expect(runner.get(Orders, 7).pipelineId).toBe(7);
    else expect(() => runner.get(Orders, 7)).toThrow(InvalidOptionError);
  });

  test('get() rejects a class that is not part of the system', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    class Stranger extends Orders {}
    expect(() => runner.get(Stranger)).toThrow(
      'Stranger is not part of this system. Its applications are: Orders, ',
    );
  });
}
