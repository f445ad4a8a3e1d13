import { explain, type StoredProvenance } from 'kahn';
import { beforeAll, expect, test } from 'vitest';
import { countingStorage, open, read } from './counting-storage.ts';
import { byCommand, effectOf, plant } from './planted-logs.ts';

const length = 100_000;

/** A log of 100,000 events in which each second is the effect of an order. */
const mixed = (every: number) =>
  Array.from(
    { length },
    (_, i): StoredProvenance => (i % 2 === 0 ? byCommand : effectOf('orders', every * ((i + 1) / 2))),
  );

beforeAll(async () => {
  const orders = Array.from({ length }, () => byCommand);
  await plant(countingStorage, {
    orders: { events: orders },
    payments: { events: mixed(2), positions: { orders: length } },
    shipping: { events: mixed(2), positions: { orders: length } },
    // One order has 60,000 effects.
    reports: {
      events: Array.from({ length: 60_000 }, () => effectOf('orders', 50_000)),
      positions: { orders: length },
    },
  });
});

test.each([2, 33_334, 50_000, 77_776, 100_000])(
  'explains order %i of 100,000 with a logarithmic number of reads',
  async (id) => {
    Object.assign(read, { calls: 0, rows: 0 });
    const { event, cuts } = await explain(countingStorage, 'orders', id);
    const some = { applicationName: 'reports', count: 60_000 - 48 };
    expect(cuts).toMatchObject(id === 50_000 ? [some] : []);
    expect(event.effects).toHaveLength(id === 50_000 ? 50 : 2);
    // 4 applications with 2 reads each, the event, and in 3 logs 17 steps for the beginning and twice 16 for the end.
    expect(read.calls).toBeLessThan(4 * 2 + 1 + 3 * (17 + 2 * 16));
    expect(read.rows).toBeLessThan(8_000);
  },
);

test('closes all recorders and the storage, also when it rejects', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const explaining = explain(countingStorage, 'orders', 50_000, { signal });
  controller.abort(new Error('no time'));
  await expect(explaining).rejects.toThrow('no time');
  await expect(explain(countingStorage, 'orders', length + 1)).rejects.toThrow('ends at notification 100000');
  await expect(explain(countingStorage, 'order', 1)).rejects.toThrow("Did you mean 'orders'?");
  await explain(countingStorage, 'orders', 2);
  expect(open).toEqual({ recorders: 0, storages: 0 });
});
