import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import {
  memory,
  RunnerClosedError,
  SteppingMultiThreadedRunner,
  type SteppingRunnerOptions,
  type StorageDescription,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertContiguous, unbrokenHistories } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { type SeenEvent, watchRunners } from '../../support/watchers/events.ts';
import { watchWorkers } from '../../support/watchers/workers.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';
import { steppers } from './tick-log.ts';

beforeEach(() => storeFlagsIn(temporaryDirectory()));

/** The stopped applications, and whether each was terminated. */
function stoppedIn(events: readonly SeenEvent[]): [string, boolean][] {
  return events.flatMap((event): [string, boolean][] =>
    event.kind === 'stopped' ? [[event.applicationName, event.terminated]] : [],
  );
}

const noneTerminated = [
  ['orders', false],
  ['reservations', false],
  ['payments', false],
];

describe.each(steppers)('closing the stepping $name runner', ({ name, start }) => {
  const drainTimeoutMs = name === 'multi-threaded' ? 2_000 : 200; // idle threads stop in less, on a busy machine, too

  async function held(storage: StorageDescription, options: SteppingRunnerOptions = {}) {
    const runner = await start(heldShop.bind(storage), { paused: true, ...options });
    onTestFinished(() => runner.close());
    return runner;
  }

  /** Starts again on the same storage, and checks that every order is done once. */
  async function assertContinues(storage: StorageDescription, orders: number) {
    await using runner = await start(heldShop.bind(storage), { paused: true });
    await runner.caughtUp();
    const heads = heldShop.applications.map((kind) => runner.get(kind).log.head());
    expect(await Promise.all(heads)).toEqual([3 * orders, orders, orders]);
  }

  test('finishes the tick under way, and rejects all other waits', async () => {
    const events = watchRunners();
    const storage = memory();
    const runner = await held(storage);
    raise('hold');
    await runner.get(Orders).place('ada');
    const stepping = runner.step();
    await vi.waitUntil(() => isRaised('held'), patient);
    const waiting = [runner.step(), runner.stepUntil(() => false), runner.caughtUp()].map((one) =>
      rejectionOf(one, RunnerClosedError),
    );
    const closing = Promise.all([runner.close(), runner.close()]);
    await nextTurn();
    expect(stoppedIn(events)).toEqual([]);
    lower('hold');
    await Promise.all([...waiting, closing]);
    expect((await stepping).applications[1]).toMatchObject({ fetched: 1, recorded: 1 });
    expect(stoppedIn(events)).toEqual(noneTerminated);
    await assertContinues(storage, 1);
  });

  test('finishes the command under way', async () => {
    const events = watchRunners();
    const runner = await held(memory());
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    let placed = '';
    runner.callInFuture(async () => {
      begun.resolve();
      await end.promise;
      placed = await runner.get(Orders).place('ada');
      runner.callInFuture(() => runner.get(Orders).place('never'));
    });
    const stepping = runner.step();
    await begun.promise;
    const closing = runner.close();
    await nextTurn();
    expect(stoppedIn(events)).toEqual([]);
    expect(() => runner.callInFuture(() => {})).toThrow(RunnerClosedError);
    end.resolve();
    expect((await stepping).applications[0]).toMatchObject({ recorded: 1 });
    await closing;
    expect(placed).not.toBe('');
  });

  test('abandons a command that does not end', async () => {
    const events = watchRunners();
    const runner = await held(memory(), { drainTimeoutMs });
    const begun = Promise.withResolvers<void>();
    runner.callInFuture(() => {
      begun.resolve();
      return new Promise(() => {});
    });
    const stepping = rejectionOf(runner.step(), RunnerClosedError);
    await begun.promise;
    await runner.close();
    await stepping;
    expect(stoppedIn(events)).toEqual(noneTerminated);
  });

  test('abandons a policy that does not end, reports it as terminated, and the next start continues', async () => {
    const events = watchRunners();
    const workers = watchWorkers();
    const storage = memory();
    const runner = await held(storage, { drainTimeoutMs });
    raise(name === 'multi-threaded' ? 'block' : 'hold');
    await runner.get(Orders).place('ada');
    const stepping = rejectionOf(runner.step(), RunnerClosedError);
    await vi.waitUntil(() => isRaised('held') || isRaised('blocked'), patient);
    const start = performance.now();
    await runner.close();
    expect(performance.now() - start).toBeGreaterThan(drainTimeoutMs - 10);
    expect(performance.now() - start).toBeLessThan(9_000);
    await stepping;
    expect(workers.size).toBe(0);
    expect(stoppedIn(events)).toEqual([
      ['orders', false],
      ['reservations', true],
      ['payments', false],
    ]);
    lower('hold');
    await nextTurn();
    await assertContinues(storage, 1);
    await assertContinues(storage, 1);
  });

  test('at any moment loses nothing and repeats nothing', async () => {
    const random = randomNumbers(seed);
    for (const { create } of storages.filter((openedStorage) => openedStorage.name !== 'postgres')) {
      const system = shop.bind(create());
      const customers: string[] = [];
      const workers = watchWorkers();
      for (let round = 0; round < (name === 'multi-threaded' ? 3 : 12); round += 1) {
        const runner = await start(system, { scaleFactor: 0, batchSize: 3 });
        const batch = Array.from({ length: 20 }, (_, i) => `${round}.${i}`);
        customers.push(...batch);
        const orders = runner.get(Orders);
        await Promise.all(batch.map((customer) => orders.place(customer)));
        await delay(random() * 10);
        await Promise.all([runner.close(), runner.close()]);
        expect(workers.size).toBe(0);
      }
      await using runner = await start(system, { scaleFactor: 0 });
      await runner.caughtUp();
      const applications = system.applications.map((kind) => runner.get(kind));
      for (const application of applications) await assertContiguous(application);
      expect(await canonicalHistories(applications, { causes: true }), `seed ${seed}`).toEqual(
        await unbrokenHistories(customers),
      );
    }
  });
});

test('a start that is aborted at any moment leaves no thread', async () => {
  const reason = new Error('no time');
  for (const moment of ['at once', 'next turn', 'first thread', 'last thread']) {
    const abort = new AbortController();
    let spawned = 0;
    const workers = watchWorkers(() => {
      spawned += 1;
      if (spawned === (moment === 'first thread' ? 1 : 3)) abort.abort(reason);
    });
    const starting = SteppingMultiThreadedRunner.start(shop, { signal: abort.signal });
    if (moment === 'at once') abort.abort(reason);
    if (moment === 'next turn') void nextTurn().then(() => abort.abort(reason));
    await expect(starting, moment).rejects.toBe(reason);
    await nextTurn();
    expect(workers.size, moment).toBe(0);
  }
  await using runner = await SteppingMultiThreadedRunner.start(shop, { paused: true });
  await runner.step();
});
