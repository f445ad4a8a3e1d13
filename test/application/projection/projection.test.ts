import { run, System } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order, OrderList, Orders } from '../../support/projections/order-list.ts';
import { temporarySqlite } from '../../support/storages.ts';

describe('a projection', () => {
  test('records rows for the events that it follows', async () => {
    await using runner = await run(System.of([[Orders, OrderList]]), { storage: temporarySqlite() });
    const order = Order.place('ada');
    await runner.get(Orders).save(order);
    order.pay(5);
    await runner.get(Orders).save(order, Order.place('bob'));
    expect(await runner.get(OrderList).orders()).toEqual([
      { customer: 'ada', paid: 5 },
      { customer: 'bob', paid: 0 },
    ]);
  });
  test('builds', async () => {
    const storage = temporarySqlite();
    {
      await using runner = await run(System.of([[Orders, OrderList]]), { storage });
      await runner.get(Orders).save(Order.place('ada'));
    }
    class OrderList2 extends OrderList {
      static override readonly schema = 2;
      static readonly dropAfterMs = 0;
    }
    await using runner = await run(System.of([[Orders, OrderList2]]), { storage });
    const saved = await runner.get(Orders).save(Order.place('cyd'));
    console.log(JSON.stringify(await runner.status()));
    await runner.processed(saved, { by: OrderList2 });
    for (let i = 0; i < 8; i += 1) {
      console.log(JSON.stringify((await runner.status())[1]));
      await new Promise((r) => setTimeout(r, 200));
    }
    expect(await runner.get(OrderList2).orders()).toEqual([
      { customer: 'ada', paid: 0 },
      { customer: 'cyd', paid: 0 },
    ]);
    await runner.get(Orders).save(Order.place('dan'));
    expect(await runner.get(OrderList2).orders()).toHaveLength(3);
    expect(
      await runner
        .get(OrderList2)
        .read(({ db }) =>
          db.prepare('select name, sql from sqlite_schema where name like ?').all('%order_list__%'),
        ),
    ).toEqual([]);
  });
});
