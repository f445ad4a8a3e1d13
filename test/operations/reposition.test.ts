import {
  InvalidArgumentError,
  InvalidOptionError,
  InvalidPositionError,
  listOperations,
  memory,
  type Operation,
  PositionConflictError,
  reposition,
  SingleThreadedRunner,
  type StorageDescription,
  type System,
  UnknownApplicationError,
} from 'kahn';
import { openStorage, type Recorder } from 'kahn/storage';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';
import { MemoryRecorder } from '../../src/storage/memory/recorder.ts';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';

const because = { by: 'ada', reason: 'orders restored\nfrom the copy of Monday' };

/** Lets the shop process the orders of two customers: 6 events of orders, 2 of each other application. */
async function processed(storage: StorageDescription): Promise<void> {
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  for (const customer of ['ada', 'bob']) await runner.get(Orders).place(customer);
}

async function open(storage: StorageDescription, applicationName: string): Promise<Recorder> {
  const opened = await openStorage(storage);
  onTestFinished(() => opened.close());
  const recorder = await opened.openRecorder({ applicationName, setupTables: false });
  onTestFinished(() => recorder.close());
  return recorder;
}

async function listed(storage: StorageDescription): Promise<Operation[]> {
  const all: Operation[] = [];
  for await (const operation of listOperations(storage, shop)) all.push(operation);
  return all;
}

describe.each(storages)('reposition() on $name', ({ create }) => {
  test('moves the position with its mark, and records who did it and why', async () => {
    const storage = create();
    await processed(storage);
    const recorder = await open(storage, 'reservations');
    const before = await recorder.position(0, 'orders');
    expect(before.mark).toMatch(/^6:[0-9a-f]{16}$/);
    expect(await reposition(storage, shop, Reservations, { upstream: Orders, at: 4, ...because })).toBe(6);
    const moved = await recorder.position(0, 'orders');
    expect(moved).toEqual({ ...before, position: 4, mark: expect.stringMatching(/^4:[0-9a-f]{16}$/) });
    await reposition(storage, shop, Reservations, { upstream: Orders, at: 0, ...because });
    expect((await recorder.position(0, 'orders')).mark).toBeUndefined();
    await reposition(storage, shop, Orders, { upstream: Payments, at: 1, by: 'bob', reason: 'drill' });
    await reposition(storage, shop, Reservations, { upstream: Orders, at: 6, ...because });
    expect(await recorder.position(0, 'orders')).toEqual(before);
    const act = { id: 1, kind: 'reposition', timestamp: expect.any(Number), ...because };
    const details = { pipelineId: 0, upstreamName: 'orders', from: 6, to: 4, ownHead: 2 };
    expect(await listed(storage)).toEqual([
      {
        ...act,
        applicationName: 'orders',
        by: 'bob',
        reason: 'drill',
        details: { ...details, upstreamName: 'payments', from: 2, to: 1, ownHead: 6 },
      },
      { ...act, applicationName: 'reservations', details },
      { ...act, applicationName: 'reservations', id: 2, details: { ...details, from: 4, to: 0 } },
      { ...act, applicationName: 'reservations', id: 3, details: { ...details, from: 0, to: 6 } },
    ]);
  });

  test('rejects a place that the log does not have, and changes nothing', async () => {
    const storage = create();
    await processed(storage);
    const beyond = reposition(storage, shop, Reservations, { upstream: Orders, at: 7, ...because });
    const error = await rejectionOf(beyond, InvalidPositionError);
    expect(error.message).toBe(
      "Expected option 'at' of reposition() to be a notification in the log of 'orders' of pipeline 0, which ends at 6, " +
        'or 0; got 7.',
    );
    const elsewhere = { upstream: Orders, at: 1, pipelineId: 1, ...because };
    await rejectionOf(reposition(storage, shop, Reservations, elsewhere), InvalidPositionError);
    expect(await listed(storage)).toEqual([]);
    expect((await (await open(storage, 'reservations')).position(0, 'orders')).position).toBe(6);
  });
});

test('is refused if a runner moves the position meanwhile', async () => {
  const storage = memory();
  await processed(storage);
  const recorder = await open(storage, 'reservations');
  const moved = { upstreamName: 'orders', expected: 6, position: 5 };
  const { typesVersion } = await recorder.position(0, 'orders');
  const head = vi.spyOn(MemoryRecorder.prototype, 'head').mockImplementationOnce(async () => {
    await recorder.record(0, [{ events: [], snapshots: [], tracking: { ...moved, typesVersion } }]);
    return 2;
  });
  onTestFinished(() => head.mockRestore());
  const call = reposition(storage, shop, Reservations, { upstream: Orders, at: 3, ...because });
  expect(await rejectionOf(call, PositionConflictError)).toMatchObject({ expected: 6, actual: 5 });
  expect(await listed(storage)).toEqual([]);
  expect((await recorder.position(0, 'orders')).position).toBe(5);
});

test.each([
  [{ upstream: undefined }, "option 'upstream' of reposition()"],
  [{ upstream: 'orders' }, 'to be the class of an application'],
  [{ at: -1 }, 'to be an integer >= 0'],
  [{ at: 1.5 }, 'to be an integer >= 0'],
  [{ at: undefined }, "option 'at' of reposition()"],
  [{ by: '' }, "option 'by' of reposition() to be a text of 1 to 1,000 characters"],
  [{ by: undefined }, "option 'by' of reposition()"],
  [{ reason: ' \n' }, "option 'reason' of reposition() to be a text of 1 to 1,000 characters"],
  [{ reason: 'x'.repeat(1_001) }, 'of 1 to 1,000 characters'],
  [{ why: 'x' }, "'why'"],
])('rejects invalid options: %o', async (invalid, message) => {
  const [{ create }] = storages as [(typeof storages)[number]];
  const options = { upstream: Orders, at: 0, ...because, ...invalid };
  const call = reposition(create(), shop, Reservations, options as never);
  expect((await rejectionOf(call, InvalidOptionError)).message).toContain(message);
});

test('rejects what is no system, no application of it, or not followed', async () => {
  const [{ create }] = storages as [(typeof storages)[number]];
  const options = { upstream: Orders, at: 0, ...because };
  await rejectionOf(reposition(create(), {} as System, Reservations, options), InvalidArgumentError);
  class Others extends Payments {
    static override readonly applicationName = 'others' as never;
  }
  await rejectionOf(reposition(create(), shop, Others as never, options), UnknownApplicationError);
  const other = { ...options, upstream: Others as never };
  await rejectionOf(reposition(create(), shop, Reservations, other), UnknownApplicationError);
  const payments = { ...options, upstream: Payments };
  const error = await rejectionOf(reposition(create(), shop, Reservations, payments), InvalidArgumentError);
  expect(error.message).toContain("upstream 'payments', which application 'reservations' does not follow");
  await expect(reposition(create(), shop, Reservations, options)).rejects.toMatchObject({
    code: 'STORAGE_NOT_SET_UP',
  });
});
