import { type Fault, memory, run, type StorageDescription, type System, verify } from 'kahn';
import { describe, expect, test } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { Order, Orders } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';
import { Orders as InvoicedOrders, system } from '../../support/systems/invoicing.ts';
import { until } from '../../support/until.ts';

/** Damages what an application has recorded. */
async function damage(
  storage: StorageDescription,
  applicationName: string,
  work: (recorder: Recorder) => Promise<unknown>,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage);
  opened.defer(() => openedStorage.close());
  const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
  opened.defer(() => recorder.close());
  await work(recorder);
}

/** Records an operation of the invoices. */
function operate(storage: StorageDescription, kind: string, details: object | string): Promise<void> {
  const text = typeof details === 'string' ? details : JSON.stringify(details);
  const operation = { timestamp: 0, kind, by: 'ada', reason: 'damage', details: text };
  return damage(storage, 'invoices', (recorder) =>
    recorder.record(0, [{ events: [], snapshots: [], operation }]),
  );
}

const inOrders = { pipelineId: 0, upstreamName: 'orders' };

/** Operations, and the faults by which they are found after one order, whose events and effects are 1 and 2. */
const operations: readonly (readonly [string, string, object | string, readonly string[]])[] = [
  ['a reset that is whole', 'reset', { ...inOrders, from: 2, to: 2, ownHead: 2 }, []],
  ['an operation of another kind', 'pause', '{}', []],
  [
    'what is discarded, which may be lost',
    'discard',
    { pipelineId: 0, notifications: [{ upstreamName: 'orders', notificationId: 3 }] },
    [],
  ],
  ['an upstream of before', 'begin', { pipelineId: 0, upstreamName: 'former', to: 9 }, []],
  [
    'a text that is cut',
    'reset',
    '{"pipelineId":0,"upstr',
    ["'invoices': operation 1 ('reset') cannot be read."],
  ],
  [
    'a replay without an id',
    'replay-end',
    { pipelineId: 0, ownHead: 2 },
    ["'invoices': operation 1 ('replay-end') cannot be read."],
  ],
  [
    'a retry of what is not there',
    'retry',
    { pipelineId: 0, notifications: [{ upstreamName: 'orders', notificationId: 3 }] },
    ["'invoices': operation 1 ('retry') names notification 3 of 'orders', but that log ends at 2."],
  ],
  [
    'a retried one that is not there',
    'retried',
    { ...inOrders, notificationId: 3, effects: 0, after: 0 },
    ["'invoices': operation 1 ('retried') names notification 3 of 'orders', but that log ends at 2."],
  ],
  [
    'effects that are not there',
    'retried',
    { ...inOrders, notificationId: 2, effects: 2, after: 1 },
    ["'invoices': operation 1 ('retried') names effects up to notification 3, but the log ends at 2."],
  ],
  [
    'a beginning behind the log',
    'begin',
    { ...inOrders, to: 3 },
    ["'invoices': operation 1 ('begin') names notification 3 of 'orders', but that log ends at 2."],
  ],
  [
    'the end of no replay',
    'replay-end',
    { pipelineId: 0, id: 'r', ownHead: 2 },
    ["'invoices': operation 1 ('replay-end') ends replay 'r', whose beginning is not on record."],
  ],
];

test.each(operations)('an operation is checked: %s', async (_, kind, details, messages) => {
  const storage = memory();
  {
    await using runner = await run(system, { storage });
    await runner.get(InvoicedOrders).place('ada');
  }
  await operate(storage, kind, details);
  const { faults } = await verify(storage, system);
  expect(faults.map(({ message }) => message)).toEqual(messages);
  for (const { category, operationId } of faults) expect([category, operationId]).toEqual(['lost', 1]);
});

describe.each(storages)('on $name', ({ create }) => {
  test('what was behind the place to which people moved a position is given up', async () => {
    const storage = create();
    {
      await using runner = await run(system, { storage });
      await runner.get(InvoicedOrders).place('ada');
    }
    await operate(storage, 'begin', { ...inOrders, to: 7 });
    await operate(storage, 'reposition', { ...inOrders, from: 7, to: 2, ownHead: 2 });
    expect((await verify(storage, system)).faults).toEqual([]);
  });

  test('a parked notification whose reason was altered is found', async () => {
    const storage = create();
    {
      await using runner = await run(system, { storage });
      const [id = ''] = await runner.get(InvoicedOrders).place('ada');
      await runner.close();
      await damage(storage, 'invoices', async (recorder) => {
        const content = { originatorId: id, isDue: false, attempts: 1, since: 0, reason: '{"error":{"na' };
        const parked = [{ upstreamName: 'orders', notificationId: 2, expected: 0, content }];
        await recorder.record(0, [{ events: [], snapshots: [], parked }]);
      });
    }
    const { faults } = await verify(storage, system);
    expect(faults.map(({ message }) => message)).toContain(
      "'invoices': it has parked notification 2 of 'orders', but the reason for it cannot be read.",
    );
    await using runner = await run(system, { storage });
    const [, Invoices] = system.applications;
    for await (const { error } of runner.parked(Invoices as never))
      expect(error?.message).toBe('The recorded reason is damaged: {"error":{"na');
    expect(await runner.discard(Invoices as never, {}, { by: 'ada', reason: 'damaged' })).toBe(1);
  });

  test('a live schema that was dropped, or has fallen behind its switch, is found', async () => {
    const storage = create();
    const { first, second } = listedOn(storage);
    const messagesOf = (faults: readonly Fault[]) => faults.map(({ message }) => message);
    {
      await using runner = await run(first as System, { storage });
      await runner.get(Orders).save(['ada', 'bob'].map((customer) => Order.place(customer)));
    }
    {
      await using runner = await run(second as System, { storage });
      await until(
        'the second schema is live',
        async () => (await runner.status())[1]?.building === undefined,
      );
    }
    expect(messagesOf((await verify(storage, second as System)).faults)).toEqual([]);
    const move = (expected: number, position: number) =>
      damage(storage, 'order-list@2', (recorder) => {
        const tracking = { upstreamName: 'orders', expected, position, typesVersion: 1 };
        return recorder.record(0, [{ events: [], snapshots: [], tracking }]);
      });
    await move(2, 1);
    const { faults } = await verify(storage, second as System);
    expect(messagesOf(faults)).toEqual([
      "'order-list': its position in the log of 'orders' is 1, but it was 2 when schema 2 became live, so it would list events again.",
    ]);
    expect(faults).toMatchObject([
      { kind: 'position-before-switch', category: 'misplaced', upstreamName: 'orders' },
    ]);
    await move(1, 2);
    await damage(storage, 'order-list@2', (recorder) => {
      const operation = {
        timestamp: 0,
        kind: 'drop-schema',
        by: 'kahn',
        reason: 'damage',
        details: '{"schema":2}',
      };
      return recorder.record(0, [{ events: [], snapshots: [], operation }]);
    });
    expect(messagesOf((await verify(storage, second as System)).faults)).toEqual([
      "'order-list': schema 2 is live, but its tables were dropped.",
    ]);
  });
});
