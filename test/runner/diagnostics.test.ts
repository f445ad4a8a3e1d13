import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  type ApplicationStatus,
  DownstreamError,
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  RunnerClosedError,
  SingleThreadedRunner,
  type SystemRunner,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
import { rejectionOf } from '../support/errors.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { brokenShop } from '../support/systems/broken-shop.ts';
import { patient, until } from '../support/until.ts';
import { type SeenEvent, watchRunners } from '../support/watchers/events.ts';
import { isRaised, lower, raise, storeFlagsIn } from './multi-threaded/file-flags.ts';
import { heldShop } from './multi-threaded/held-shop.ts';

const names = ['orders', 'reservations', 'payments'];
const upstreams: Record<string, readonly string[]> = {
  orders: ['reservations', 'payments'],
  reservations: ['orders'],
  payments: ['orders'],
};
const temporarySqlite = () => sqlite({ directory: temporaryDirectory(), synchronous: 'NORMAL' });
const runners = [
  { runner: 'SingleThreadedRunner', start: SingleThreadedRunner.start, create: () => memory() },
  { runner: 'MultiThreadedRunner', start: MultiThreadedRunner.start, create: () => memory() },
  { runner: 'MultiprocessRunner', start: MultiprocessRunner.start, create: temporarySqlite },
];

beforeEach(() => storeFlagsIn(temporaryDirectory()));

/** Status of a system that is caught up, with these numbers of notifications of each upstream. */
function resting(counts: Record<string, number>): ApplicationStatus[] {
  return names.map((applicationName) => ({
    applicationName,
    pipelineId: 0,
    state: 'idle',
    upstreams: upstreams[applicationName]!.map((upstreamName) => ({
      upstreamName,
      position: counts[upstreamName]!,
      lag: 0,
      parked: 0,
      fitsLog: true,
    })),
    lastError: undefined,
    interruption: undefined,
    pause: undefined,
  }));
}

/** Waits until the status of a runner is that of a system at rest: the last states are reported after the positions. */
async function rests(runner: Pick<SystemRunner, 'status'>, counts: Record<string, number>): Promise<void> {
  await vi.waitFor(async () => expect(await runner.status()).toEqual(resting(counts)), patient);
}

/** Events of one application, as short strings. */
function storyOf(events: readonly SeenEvent[], name: string): string[] {
  return events.flatMap((event) => {
    if (event.kind === 'overrun' || event.applicationName !== name) return [];
    const upstream = 'upstreamName' in event ? ` ${event.upstreamName}` : '';
    return `${event.kind}${upstream}`;
  });
}

describe.each(runners)('the diagnostics of $runner', ({ runner: runnerName, start, create }) => {
  test('publish every step of an order', async () => {
    const events = watchRunners();
    const runner = await start(shop, { storage: create() });
    // A thread is ready shortly before it is idle.
    await rests(runner, { orders: 0, reservations: 0, payments: 0 });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
    await rests(runner, { orders: 3, reservations: 1, payments: 1 });
    await runner.close();
    await rejectionOf(runner.status(), RunnerClosedError);
    for (const applicationName of names) {
      const base = { runner: runnerName, applicationName, pipelineId: 0 };
      const own = events.filter(
        (event) => event.kind !== 'overrun' && event.applicationName === applicationName,
      );
      expect(own[0]).toEqual({ kind: 'started', ...base });
      expect(own.at(-1)).toEqual({ kind: 'stopped', ...base, terminated: false });
      for (const [i, event] of own.slice(1, -1).entries()) {
        const upstreamName = expect.toBeOneOf([...upstreams[applicationName]!]);
        if (event.kind === 'prompted') expect(event).toEqual({ kind: 'prompted', ...base, upstreamName });
        else expect(event).toEqual({ kind: 'processed', ...base, upstreamName, count: expect.any(Number) });
        if (event.kind !== 'processed') continue;
        const earlier = storyOf(own.slice(0, i + 1), applicationName);
        expect(earlier).toContain(`prompted ${event.upstreamName}`);
      }
      for (const upstreamName of upstreams[applicationName]!) {
        const counts = own.map((event) =>
          event.kind === 'processed' && event.upstreamName === upstreamName ? event.count : 0,
        );
        expect(counts.reduce((sum, count) => sum + count)).toBe(upstreamName === 'orders' ? 3 : 1);
      }
    }
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(['started', 'prompted', 'processed', 'stopped']),
    );
  });

  test('show the lag of a follower that is blocked', async () => {
    const runner = await start(heldShop, { storage: create(), batchSize: 1 });
    onTestFinished(() => runner.close());
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
    raise('hold');
    const placing = ['bob', 'cy'].map((customer) => runner.get(Orders).place(customer));
    await vi.waitUntil(() => isRaised('held'), patient);
    await vi.waitFor(async () => {
      const [, reservations] = await runner.status();
      expect(reservations).toEqual({
        applicationName: 'reservations',
        pipelineId: 0,
        state: 'running',
        upstreams: [
          { upstreamName: 'orders', position: 3, lag: expect.toBeOneOf([1, 2]), parked: 0, fitsLog: true },
        ],
        lastError: undefined,
      });
    }, patient);
    lower('hold');
    await Promise.all(placing);
    await runner.caughtUp();
    await rests(runner, { orders: 9, reservations: 3, payments: 3 });
  });

  test('name the application that failed, and the error', async () => {
    const events = watchRunners();
    const runner = await start(brokenShop, { storage: create() });
    onTestFinished(() => runner.close());
    await runner
      .get(Orders)
      .place('mallory')
      .catch(() => {});
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    await until('the other applications are idle', async () => {
      const [orders, , payments] = await runner.status();
      return orders?.state === 'idle' && payments?.state === 'idle';
    });
    const [, reservations] = await runner.status();
    expect(reservations).toMatchObject({ state: 'failed', upstreams: [{ position: 0, lag: 1 }] });
    expect(reservations?.lastError).toMatchObject({ code: 'POLICY_FAILED', notificationId: 1 });
    expect(error.failures).toEqual(new Map([['reservations', reservations?.lastError]]));
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([
      {
        kind: 'failed',
        runner: runnerName,
        applicationName: 'reservations',
        pipelineId: 0,
        error: reservations?.lastError,
      },
    ]);
  });

  test('name the application that is interrupted, and show when it resumes', async () => {
    const events = watchRunners();
    const directory = temporaryDirectory();
    const storage = sqlite({ directory, synchronous: 'NORMAL', busyTimeoutMs: 5 });
    const runner = await start(shop, { storage });
    onTestFinished(() => runner.close());
    await runner.caughtUp();
    using other = new DatabaseSync(join(directory, 'reservations.sqlite'), { timeout: 30_000 });
    other.exec('begin immediate');
    const placing = runner.get(Orders).place('ada'); // on a single thread, waits until the storage is free
    const interrupted = await vi.waitUntil(async () => {
      const [, reservations] = await runner.status();
      return reservations?.state === 'interrupted' && reservations;
    }, patient);
    expect(interrupted.upstreams).toEqual([
      { upstreamName: 'orders', position: 0, lag: 1, parked: 0, fitsLog: true },
    ]);
    expect(interrupted.lastError).toMatchObject({ code: 'STORAGE_BUSY', applicationName: 'reservations' });
    const event = events.find(({ kind }) => kind === 'interrupted');
    expect(event).toEqual({
      kind: 'interrupted',
      runner: runnerName,
      applicationName: 'reservations',
      pipelineId: 0,
      error: expect.objectContaining({ code: 'STORAGE_BUSY' }),
      interruption: { since: expect.any(Number), tries: 1, nextTryAt: expect.any(Number) },
    });
    expect(interrupted.interruption!.tries).toBeGreaterThanOrEqual(1);
    other.exec('rollback');
    await placing;
    await runner.caughtUp();
    const states = async () =>
      (await runner.status()).map(({ state, upstreams: all }) => [state, ...all.map(({ lag }) => lag)]);
    await vi.waitFor(
      async () =>
        expect(await states()).toEqual([
          ['idle', 0, 0],
          ['idle', 0],
          ['idle', 0],
        ]),
      patient,
    );
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });
});

test('close() reports no failure of an application whose storage is busy', async () => {
  const events = watchRunners();
  const directory = temporaryDirectory();
  const storage = sqlite({ directory, synchronous: 'NORMAL', busyTimeoutMs: 5 });
  const runner = await MultiThreadedRunner.start(brokenShop, { storage });
  onTestFinished(() => runner.close());
  await runner.caughtUp();
  using other = new DatabaseSync(join(directory, 'payments.sqlite'), { timeout: 30_000 });
  other.exec('begin immediate');
  await runner.get(Orders).place('mallory'); // payments record only their position for this order
  await vi.waitUntil(() => events.some(({ kind }) => kind === 'interrupted'), patient);
  await runner.close();
  const failed = events.filter((event) => event.kind === 'failed');
  expect(failed.map(({ applicationName }) => applicationName)).toEqual(['reservations']);
});

test('the single-threaded runner publishes the steps of an order in the order of its turns', async () => {
  const events = watchRunners();
  await using runner = await SingleThreadedRunner.start(shop);
  const start = events.length;
  await runner.get(Orders).place('ada');
  const told = events.slice(start).map((event) => {
    if (event.kind !== 'prompted' && event.kind !== 'processed') throw new Error(`unexpected: ${event.kind}`);
    const count = event.kind === 'processed' ? ` ${event.count}` : '';
    return `${event.applicationName} ${event.kind} ${event.upstreamName}${count}`;
  });
  expect(told).toMatchInlineSnapshot(`
    [
      "reservations prompted orders",
      "reservations processed orders 1",
      "payments prompted orders",
      "payments processed orders 1",
      "orders prompted reservations",
      "orders processed reservations 1",
      "reservations prompted orders",
      "reservations processed orders 1",
      "payments prompted orders",
      "payments processed orders 1",
      "orders prompted payments",
      "orders processed payments 1",
      "reservations prompted orders",
      "reservations processed orders 1",
      "payments prompted orders",
      "payments processed orders 1",
    ]
  `);
});
