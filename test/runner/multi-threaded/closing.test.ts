import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MultiThreadedRunner, type MultiThreadedRunnerOptions, memory, type StorageDescription } from 'kahn';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';
import { isRaised, raise, storeFlagsIn } from './file-flags.ts';
import { heldReserving } from './held-shop.ts';

const never = 2 ** 30;
const [, Reservations] = heldReserving.applications;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

async function reserving(storage: StorageDescription, options: MultiThreadedRunnerOptions = {}) {
  const runner = await MultiThreadedRunner.start(heldReserving, {
    storage,
    pollIntervalMs: never,
    ...options,
  });
  onTestFinished(() => runner.close());
  return runner;
}

/** Starts again on the same storage and asserts that every order is reserved once. */
async function assertGoesOn(storage: StorageDescription, orders: number): Promise<void> {
  await using runner = await reserving(storage);
  await runner.caughtUp();
  expect(await runner.get(Reservations!).log.head()).toBe(orders);
}

const inThreads = storages.filter(({ name }) => name !== 'postgres');

describe.each(inThreads)('closing on $name', ({ create }) => {
  test('does not wait for a tick of the clock', async () => {
    const events = watchRunners();
    const storage = create();
    const runner = await reserving(storage, { clockSpeed: 0.01, batchSize: 1 });
    for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
    await runner.close();
    expect(events.at(-1)).toMatchObject({ kind: 'stopped', terminated: false });
    await assertGoesOn(storage, 3);
  });

  test('is allowed as soon as an application is reported as failed', async () => {
    const storage = create();
    const runner = await reserving(storage);
    const closed = new Promise<void>((resolve) => {
      const close = () => resolve(runner.close());
      subscribe('kahn:failed', close);
      onTestFinished(() => void unsubscribe('kahn:failed', close));
    });
    raise('fail');
    await runner.get(Orders).place('ada');
    await closed;
    await assertGoesOn(storage, 1);
  });
});

describe('a thread of memory() that holds the lock of its journal', () => {
  test('releases the lock when it dies', async () => {
    const runner = await reserving(memory());
    raise('lock');
    const id = await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    const other = Reservation.for('another order', 'a reservation of another kind');
    const saving = runner.get(Reservations!).save(other);
    raise('die');
    await saving;
    await runner.caughtUp();
    const { log } = runner.get(Reservations!);
    expect((await log.select(0, 10)).map(({ data }) => JSON.parse(data).orderId).sort()).toEqual(
      ['another order', id].sort(),
    );
  });

  test('releases the lock when it is terminated', async () => {
    const storage = memory();
    const warnings = watchWarnings();
    const runner = await reserving(storage, { drainTimeoutMs: 100 });
    raise('lock');
    await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    await runner.close();
    await nextTurn();
    expect(warnings).toMatchObject([{ code: 'KAHN_THREAD_TERMINATED' }]);
    await assertGoesOn(storage, 1);
  });
});
