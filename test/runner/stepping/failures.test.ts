import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  DownstreamError,
  memory,
  type SteppingRunnerOptions,
  type StorageDescription,
  type StoredNotification,
  type System,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import { patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchWorkers } from '../../support/watchers/workers.ts';
import { raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';
import { type Stepper, startTimeMs, steppers } from './tick-log.ts';

const [, multi] = steppers;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

async function started<Apps extends (typeof shop.applications)[number]>(
  { start }: Stepper,
  system: System<Apps>,
  options: SteppingRunnerOptions = {},
) {
  const runner = await start(system.bind(memory()), { startTimeMs, paused: true, ...options });
  onTestFinished(() => runner.close());
  return runner;
}

type Apps = (typeof shop.applications)[number];

/** Runs until a policy fails in tick 3, in which all three applications have work. */
async function fail(stepper: Stepper, storage: StorageDescription) {
  const { start } = stepper;
  const runner = await start(brokenShop.bind(storage) as System<Apps>, { startTimeMs, paused: true });
  onTestFinished(() => runner.close());
  const orders = runner.get(Orders);
  runner.callInFuture(() => orders.place('ada'), 1);
  runner.callInFuture(() => Promise.all(['bob', 'mallory', 'cy'].map((name) => orders.place(name))), 2);
  runner.callInFuture(() => orders.place('late'), 3);
  const error = await rejectionOf(
    runner.stepUntil(({ number }) => number === 100),
    DownstreamError,
  );
  return { runner, error };
}

describe.each(steppers)('a policy that fails under the stepping $name runner', (stepper) => {
  test('stops the runner with the cause after the others have processed everything fetched', async () => {
    const events = watchRunners();
    const { runner, error } = await fail(stepper, memory());
    expect(error.message).toContain('The system stopped at tick 3.');
    expect(error.failures.get('reservations')).toMatchObject({
      code: 'POLICY_FAILED',
      applicationName: 'reservations',
      upstreamName: 'orders',
      notificationId: 3,
      eventType: 'Order.Created',
      cause: { message: 'nothing for mallory' },
    });
    expect(error.failures.size).toBe(1);
    for (const late of [runner.step(), runner.caughtUp(), runner.pause(), runner.stepUntil(() => true)]) {
      expect(await rejectionOf(late, DownstreamError)).toBe(error);
    }
    expect(() => runner.resume()).toThrow(error);
    expect(runner.tickCount).toBe(2);
    expect(events.filter(({ kind }) => kind === 'failed')).toMatchObject([
      { applicationName: 'reservations' },
    ]);
    const [orders, reservations, payments] = await runner.status();
    expect(orders).toMatchObject({ state: 'stopped', lastError: undefined });
    expect(reservations).toMatchObject({ state: 'failed', lastError: error.failures.get('reservations') });
    expect(orders?.upstreams).toMatchObject([{ lag: 1 }, { lag: 0 }]);
    expect(reservations?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 2, lag: 3 }]);
    expect(payments?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 4, lag: 1 }]);
  });

  test('rejects caughtUp() while the clock runs', async () => {
    const runner = await started(stepper, brokenShop as System<Apps>, { paused: false, scaleFactor: 0 });
    const waiting = [runner.caughtUp(), runner.caughtUp()];
    await Promise.all(waiting);
    await runner
      .get(Orders)
      .place('mallory')
      .catch(() => {});
    const errors = await Promise.all(
      [runner.caughtUp(), runner.caughtUp()].map((one) => rejectionOf(one, DownstreamError)),
    );
    expect(errors[0]).toBe(errors[1]);
    expect(errors[0]?.failures.has('reservations')).toBe(true);
    await runner.close();
    await expect(runner.caughtUp()).rejects.toMatchObject({ code: 'RUNNER_CLOSED' });
    await expect(runner.step()).rejects.toMatchObject({ code: 'RUNNER_CLOSED' });
  });
});

test('a failed tick leaves the same logs and positions with threads and without', async () => {
  const told = [];
  for (const { create } of storages) {
    for (const stepper of steppers) {
      const { runner } = await fail(stepper, create());
      const logs: (readonly StoredNotification[])[] = [];
      for (const kind of (brokenShop as System<Apps>).applications) {
        logs.push(await runner.get(kind).log.select(0, 100));
      }
      const upstreams = (await runner.status()).map(({ upstreams }) => upstreams);
      told.push(JSON.stringify({ logs, upstreams }));
    }
  }
  expect(new Set(told).size).toBe(1);
});

describe('a thread that dies', () => {
  test('in the middle of a tick stops the runner after the others have processed everything fetched', async () => {
    const workers = watchWorkers();
    const runner = await started(multi, heldShop);
    await runner.get(Orders).place('ada');
    await runner.step();
    raise('exit');
    await runner.get(Orders).place('bob');
    const error = await rejectionOf(runner.step(), DownstreamError);
    expect(error.failures.get('reservations')).toMatchObject({
      code: 'THREAD_DIED',
      applicationName: 'reservations',
      cause: { message: expect.stringContaining('exited with code 3') },
    });
    expect(error.failures.size).toBe(1);
    expect(workers.size).toBe(0);
    expect(await rejectionOf(runner.caughtUp(), DownstreamError)).toBe(error);
    expect(await runner.get(Orders).log.head()).toBe(3); // they include Order.Reserved of ada
    const status = await runner.status();
    expect(status.map(({ state }) => state)).toEqual(['stopped', 'failed', 'stopped']);
    expect(status[2]?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 2, lag: 1 }]);
  });

  test('between two ticks stops the runner in the next one', async () => {
    const workers = watchWorkers();
    const runner = await started(multi, shop);
    await runner.step();
    const [one] = workers;
    await one!.terminate();
    const error = await rejectionOf(runner.step(), DownstreamError);
    expect([...error.failures.values()]).toMatchObject([{ code: 'THREAD_DIED' }]);
    expect(workers.size).toBe(0);
  });

  test('before all positions are recorded rejects caughtUp()', async () => {
    const workers = watchWorkers();
    const runner = await started(multi, shop);
    const [one] = workers;
    let terminated: Promise<unknown> | undefined;
    runner.subscribe(() => {
      terminated ??= one!.terminate();
    });
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    expect([...error.failures.values()]).toMatchObject([{ code: 'THREAD_DIED' }]);
    await terminated;
  });
});

describe.each(steppers)('storage that is busy under the stepping $name runner', ({ start }) => {
  test('interrupts a tick, which continues when the storage is free', async () => {
    const events = watchRunners();
    const directory = temporaryDirectory();
    const storage = sqlite({ directory, busyTimeoutMs: 1, synchronous: 'NORMAL' });
    await using runner = await start(shop.bind(storage), { startTimeMs, paused: true });
    await runner.get(Orders).place('ada');
    const other = new DatabaseSync(join(directory, 'reservations.sqlite'));
    other.exec('begin immediate');
    const stepping = runner.step();
    await vi.waitUntil(() => events.some(({ kind }) => kind === 'interrupted'), patient);
    const [, reservations] = await runner.status();
    expect(reservations).toMatchObject({ state: 'interrupted', lastError: { code: 'STORAGE_BUSY' } });
    other.exec('rollback');
    other.close();
    expect((await stepping).applications[1]).toMatchObject({ fetched: 1, recorded: 1 });
    expect((await runner.status())[1]).toMatchObject({
      state: 'idle',
      lastError: { code: 'STORAGE_BUSY' },
    });
    await runner.caughtUp();
    expect(await runner.get(Orders).log.head()).toBe(3);
  });
});
