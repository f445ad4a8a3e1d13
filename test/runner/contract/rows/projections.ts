import { InvalidStorageError, type System, type SystemRunner, verify } from 'kahn';
import { expect, test } from 'vitest';
import { listedOn } from '../../../support/projections/listed-orders.ts';
import { Order, type OrderList, Orders } from '../../../support/projections/order-list.ts';
import { until } from '../../../support/until.ts';
import type { RunnerSubject } from '../subject.ts';

type ListRunner = SystemRunner<typeof Orders | typeof OrderList>;

/** Projections, on a storage whose rows can be reached by all threads of the runner. */
export function projections({ start, createStorage, name }: RunnerSubject): void {
  const open = async (system: object, storage: ReturnType<typeof createStorage>): Promise<ListRunner> =>
    (await start(system as never, { storage, pollIntervalMs: 20 })) as unknown as ListRunner;

  if (name.includes('multi-threaded') && name.includes('memory')) {
    test('a projection with rows in memory is refused in threads', async () => {
      const storage = createStorage();
      await expect(open(listedOn(storage).first, storage)).rejects.toThrow(InvalidStorageError);
    });
    return;
  }

  test('a projection lists what was saved, and its next schema replaces it', async () => {
    const storage = createStorage();
    const { first, second, list, next } = listedOn(storage);
    const order = Order.place('ada');
    {
      await using runner = await open(first, storage);
      await runner.get(Orders).save(order);
      order.pay(5);
      const saved = await runner.get(Orders).save(order);
      await runner.processed(saved, { by: list as typeof OrderList });
      expect(await runner.get(list as typeof OrderList).orders()).toEqual([{ customer: 'ada', paid: 5 }]);
      await runner.caughtUp();
    }
    await using runner = await open(second, storage);
    await until('the next schema is live', async () => (await runner.status())[1]?.building === undefined);
    const saved = await runner.get(Orders).save([Order.place('ada'), Order.place('bob')]);
    await runner.processed(saved, { by: next as unknown as typeof OrderList });
    const { schema, rows } = await (
      runner.get(next as unknown as typeof OrderList) as never as {
        customers(): Promise<{ schema: number; rows: readonly { customer: string; orders: unknown }[] }>;
      }
    ).customers();
    expect(schema).toBe(2);
    expect(rows.map(({ customer, orders }) => [customer, Number(orders)])).toEqual([
      ['ada', 2],
      ['bob', 1],
    ]);
    expect(String(await verify(storage, second as System))).toContain('0 lost, 0 doubled');
  });
}
