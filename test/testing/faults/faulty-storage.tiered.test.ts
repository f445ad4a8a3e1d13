import {
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  RecordConflictError,
  run,
  type StorageDescription,
  StorageError,
  type SystemRunner,
  verify,
} from 'kahn';
import { canonicalHistories, faultyStorage, type PassingFault } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { seed } from '../../support/seed.ts';
import { storages, temporarySqlite } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { doublingStorage } from './doubling-storage.ts';

type Shop = typeof Orders | typeof Reservations | typeof Payments;
type Start = (storage: StorageDescription) => Promise<SystemRunner<Shop>>;

const options = { pollIntervalMs: 20, undeclaredEvents: 'ignore' } as const;
const inOneThread: Start = (storage) => run(shop.bind(storage), options);
const inThreads: Start = (storage) => MultiThreadedRunner.start(shop.bind(storage), options);
const inProcesses: Start = (storage) => MultiprocessRunner.start(shop.bind(storage), options);

/** Repeats a call until the storage is no longer in trouble. */
async function steadily<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isPassing =
        error instanceof RecordConflictError || (error instanceof StorageError && error.transient);
      if (!isPassing) throw error;
    }
  }
}

/** Places orders on a storage in trouble. Returns the canonical histories. */
async function placeOrders(storage: StorageDescription, start = inOneThread): Promise<readonly string[]> {
  await using runner = await start(storage);
  for (const customer of ['ada', 'bob', 'cy', 'di']) {
    const order = Order.place(customer);
    await steadily(() => runner.get(Orders).save(order, { idempotencyKey: customer }));
  }
  await steadily(() => runner.caughtUp());
  const applications = [Orders, Reservations, Payments].map((kind) => runner.get(kind));
  return await steadily(() => canonicalHistories(applications, { causes: true }));
}

const undisturbed = placeOrders(memory());

async function expectTheSame(inner: StorageDescription, seedOfRun: number, start?: Start) {
  const storage = faultyStorage(inner, { seed: seedOfRun, rate: 0.1 });
  expect(await placeOrders(storage, start), `seed ${seedOfRun}`).toEqual(await undisturbed);
  expect((await verify(inner, shop)).faults, `seed ${seedOfRun}`).toEqual([]);
  return storage.given;
}

describe.each(storages)('on $name', ({ create }) => {
  test('a shop leaves the same on record in spite of faults', async () => {
    const met = new Set<PassingFault>();
    for (let i = 0; i < byTier(2, 20); i += 1)
      for (const { fault } of await expectTheSame(create(), seed + i)) met.add(fault);
    expect(met.size).toBeGreaterThanOrEqual(byTier(1, 4));
  });
});

test.each([
  ['memory', () => memory()],
  ['sqlite', temporarySqlite],
] as const)('threads on %s leave the same on record in spite of faults', async (_, create) => {
  for (let i = 0; i < byTier(1, 5); i += 1) await expectTheSame(create(), seed + i, inThreads);
});

test('processes leave the same on record in spite of faults', async () => {
  for (let i = 0; i < byTier(1, 3); i += 1) await expectTheSame(temporarySqlite(), seed + i, inProcesses);
});

test('finds a storage that records twice if an answer is lost', async () => {
  expect(await placeOrders(doublingStorage(memory()))).toEqual(await undisturbed);
  const faulty = faultyStorage(memory(), { seed: 17, rate: 0.5, faults: ['lost answer'] });
  const found = await placeOrders(doublingStorage(faulty)).catch((error: unknown) => error);
  expect(faulty.given.filter(({ isRecorded }) => isRecorded)).not.toEqual([]);
  expect(found).not.toEqual(await undisturbed);
});

test('gives the recordings of an application the same faults for the same seed', async () => {
  const ofOrders = async (seedOfRun: number) => {
    const storage = faultyStorage(memory(), { seed: seedOfRun, rate: 0.3, faults: ['busy', 'lost answer'] });
    await placeOrders(storage);
    const own = storage.given.filter(({ applicationName }) => applicationName === 'orders');
    return own.map(({ fault, isRecorded }) => ({ fault, isRecorded }));
  };
  const first = await ofOrders(17);
  const second = await ofOrders(17);
  // The number of recordings depends on time: a position behind ignored notifications may be recorded later.
  const length = Math.min(first.length, second.length);
  expect(length).toBeGreaterThan(2);
  expect(second.slice(0, length)).toEqual(first.slice(0, length));
  expect((await ofOrders(18)).slice(0, length)).not.toEqual(first.slice(0, length));
});

test('lets reads of a caller fail in passing', async () => {
  const storage = faultyStorage(memory(), { seed, rate: 0.2, faults: ['failed read'] });
  await using runner = await inOneThread(storage);
  const order = Order.place('ada');
  await runner.get(Orders).save(order);
  const codes = new Set<string>();
  for (let i = 0; i < 50; i += 1)
    await runner
      .get(Orders)
      .repository.has(Order, order.id)
      .then(
        (has) => codes.add(String(has)),
        ({ code }) => codes.add(code),
      );
  expect([...codes].sort()).toEqual(['STORAGE_UNREACHABLE', 'true']);
});

test.each([
  [{ rate: 1 }, 'to be a number from 0 to 0.9, got 1'],
  [{ faults: [] }, 'busy'],
  [{ faults: ['crash'] }, "'failed read'"],
  [{ seed: -1 }, 'from 0 to 4294967295'],
  [{ rates: 0.1 }, 'rate'],
])('refuses the options %o', (options, message) => {
  const faulty = () => faultyStorage(memory(), options as object);
  expect(faulty).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  expect(faulty).toThrow(message);
});

test('refuses what is no storage', () => {
  expect(() => faultyStorage({} as StorageDescription)).toThrow(
    expect.objectContaining({ code: 'INVALID_STORAGE' }),
  );
});
