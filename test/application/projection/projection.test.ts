import { InvalidPolicyError, ProjectionCommandError, run, System } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order, OrderList, Orders } from '../../support/projections/order-list.ts';
import { temporarySqlite } from '../../support/storages.ts';

const shop = System.of([[Orders, OrderList]]);

describe('a projection', () => {
  test('records rows for the events that it follows', async () => {
    await using runner = await run(shop, { storage: temporarySqlite() });
    const order = Order.place('ada');
    await runner.get(Orders).save(order);
    order.pay(5);
    await runner.get(Orders).save(order, Order.place('bob'));
    expect(await runner.get(OrderList).orders()).toEqual([
      { customer: 'ada', paid: 5 },
      { customer: 'bob', paid: 0 },
    ]);
  });

  test('creates its tables once, and goes on where it was', async () => {
    const storage = temporarySqlite();
    for (const customer of ['ada', 'bob', 'cyd']) {
      await using runner = await run(shop, { storage });
      await runner.get(Orders).save(Order.place(customer));
    }
    await using runner = await run(shop, { storage });
    expect((await runner.get(OrderList).orders()).map(({ customer }) => customer)).toEqual([
      'ada',
      'bob',
      'cyd',
    ]);
  });

  test('shows its live tables as views with plain names', async () => {
    await using runner = await run(shop, { storage: temporarySqlite() });
    await runner.get(Orders).save(Order.place('ada'));
    const rows = await runner
      .get(OrderList)
      .read(({ db }) => db.prepare('select customer from order_list__orders').all());
    expect(rows).toEqual([{ customer: 'ada' }]);
  });

  test('records nothing of a batch whose handler fails', async () => {
    class Failing extends OrderList {
      override readonly policy = this.project({
        'Order.Created': ({ originatorId, data }, { db, tables }) => {
          db.prepare(`insert into ${tables.orders} values (?, ?, 0)`).run(originatorId, data.customer);
          if (data.customer === 'bob') throw new Error('no bobs');
        },
      });
    }
    await using runner = await run(System.of([[Orders, Failing]]), { storage: temporarySqlite() });
    await expect(runner.get(Orders).save([Order.place('ada'), Order.place('bob')])).rejects.toThrow(
      'no bobs',
    );
    expect(await runner.get(Failing).orders()).toEqual([{ customer: 'ada', paid: 0 }]);
    const [, status] = await runner.status();
    expect(status).toMatchObject({ state: 'failed', upstreams: [{ position: 1, lag: 1 }] });
  });

  test('refuses commands', async () => {
    await using runner = await run(shop, { storage: temporarySqlite() });
    const list = runner.get(OrderList) as unknown as {
      save(...args: unknown[]): Promise<void>;
      update(): Promise<void>;
    };
    await expect(list.save(Order.place('ada'))).rejects.toThrow(ProjectionCommandError);
    await expect(list.update()).rejects.toThrow(
      "Projection 'order-list' refuses update(): it records rows and no events.",
    );
  });

  test('refuses a handler that returns an aggregate', async () => {
    class Returning extends OrderList {
      override readonly policy = this.project({ 'Order.Created': () => Order.place('eve') });
    }
    await using runner = await run(System.of([[Orders, Returning]]), { storage: temporarySqlite() });
    await expect(runner.get(Orders).save(Order.place('ada'))).rejects.toThrow(
      'but a projection records no events',
    );
    const [, status] = await runner.status();
    expect(status?.lastError).toMatchObject({ cause: expect.any(InvalidPolicyError) });
  });

  test('names a table that it does not have', async () => {
    await using runner = await run(shop, { storage: temporarySqlite() });
    await expect(runner.get(OrderList).read(({ tables }) => tables.ordres)).rejects.toThrow(
      "Projection 'order-list' has no table 'ordres' in schema 1. Did you mean 'orders'? Its tables are: orders.",
    );
  });
});

describe('the declaration of a projection', () => {
  const declared = (statics: object) =>
    System.of([[Orders, Object.assign(class extends OrderList {}, statics) as typeof OrderList]]);
  const redefined = (name: string, value: unknown) => {
    class Redefined extends OrderList {}
    Object.defineProperty(Redefined, name, { value });
    return () => System.of([[Orders, Redefined]]);
  };

  test.each([
    [
      'schema',
      0,
      "Expected 'static readonly schema' of projection Redefined to be an integer from 1 to 999999, got 0.",
    ],
    ['schema', undefined, 'it is missing'],
    [
      'tables',
      [],
      "Expected 'static readonly tables' of projection Redefined to be an array of 1 to 100 names, got [].",
    ],
    [
      'tables',
      ['a__b'],
      "to hold names of small letters, digits and single '_' such as 'orders', got 'a__b'.",
    ],
    ['tables', ['orders', 'orders'], "lists 'orders' twice"],
    ['tables', ['o'.repeat(60)], 'shorten the applicationName or the name of the table'],
    ['rows', undefined, "Projection Redefined needs 'static readonly rows', sqliteRows of kahn/sqlite"],
    ['emits', ['A'], 'Projection Redefined records no events'],
    ['applicationName', 'a@b', "has an '@'"],
    ['begins', 'end', "begins at the 'end' of a log"],
    ['begins', { orders: 'end' }, "begins at the 'end' of a log"],
    ['recordedAs', 'list', "has a 'static readonly recordedAs'"],
    [
      'buildShare',
      0,
      "Expected 'static readonly buildShare' of projection Redefined to be a number above 0 and up to 1, got 0.",
    ],
    ['dropAfterMs', -1, 'to be an integer >= 0, got -1'],
  ])('with %s %j is refused', (name, value, message) => {
    expect(redefined(name, value)).toThrow(message);
  });

  test('may have a share and a time', () => {
    expect(() => declared({ buildShare: 1, dropAfterMs: 0 })).not.toThrow();
  });

  test('with a policy of when() is refused', () => {
    class When extends OrderList {
      override readonly policy = (this as unknown as { when(handlers: object): never }).when({});
    }
    expect(() => System.of([[Orders, When]])).toThrow("Projection 'order-list' uses this.when()");
  });
});
