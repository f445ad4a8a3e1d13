import { listOperations, run, SchemaDroppedError, type StorageDescription, System, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import {
  CustomerList,
  Order,
  OrderList,
  Orders,
  SlowCustomerList,
} from '../../support/projections/order-list.ts';
import { temporaryDirectory, temporarySqlite } from '../../support/storages.ts';
import { until } from '../../support/until.ts';

const first = () => System.of([[Orders, OrderList]]);
const slow = () => System.of([[Orders, SlowCustomerList]]);
const second = () => System.of([[Orders, CustomerList]]);

/** Returns a storage in which the first schema lists some orders. */
async function withOrders(...customers: readonly string[]): Promise<StorageDescription> {
  const storage = temporarySqlite();
  await using runner = await run(first(), { storage });
  await runner.get(Orders).save(customers.map((customer) => Order.place(customer)));
  return storage;
}

const startSecond = async (storage: StorageDescription) => {
  const runner = await run(second(), { storage });
  await until('the second schema is live', async () => (await runner.status())[1]?.building === undefined);
  return runner;
};

const kindsIn = async (storage: StorageDescription) => {
  const kinds = [];
  for await (const { applicationName, kind, details } of listOperations(storage, second()))
    kinds.push(`${applicationName} ${kind} ${details.schema}`);
  return kinds;
};

describe('a new schema', () => {
  test('is built beside the live one, and no save waits for it', async () => {
    const storage = await withOrders('ada', 'bob', 'ada');
    await using runner = await run(slow(), { storage, batchSize: 1 });
    const list = runner.get(SlowCustomerList);
    const saved = await runner.get(Orders).save(Order.place('cyd'));
    await runner.settled(saved);
    await runner.caughtUp();
    const [, status] = await runner.status();
    expect(status).toMatchObject({ building: { schema: 2, live: 1 } });
    expect(status?.upstreams[0]?.lag).toBeGreaterThan(0);
    const { schema, rows } = await list.customers();
    expect({ schema, count: rows.length }).toEqual({ schema: 1, count: 3 }); // nobody feeds the first schema now
    await runner.processed(saved, { by: SlowCustomerList });
    await until('it is live', async () => (await runner.status())[1]?.building === undefined);
    expect(await list.customers()).toEqual({
      schema: 2,
      rows: [
        { customer: 'ada', orders: 2 },
        { customer: 'bob', orders: 1 },
        { customer: 'cyd', orders: 1 },
      ],
    });
    await runner.get(Orders).save(Order.place('cyd'));
    expect((await list.customers()).rows).toContainEqual({ customer: 'cyd', orders: 2 });
  });

  test('replaces the views, and the earlier tables are dropped by rule, on record', async () => {
    const storage = await withOrders('ada');
    await using runner = await startSecond(storage);
    const objects = () =>
      runner
        .get(CustomerList)
        .read(({ db }) =>
          db.prepare("select name from sqlite_schema where name like 'order_list__%' order by 1").all(),
        );
    await until('the first schema is dropped', async () => (await objects()).length === 2);
    expect(await objects()).toEqual([{ name: 'order_list__customers' }, { name: 'order_list__customers@2' }]);
    const rows = await runner
      .get(CustomerList)
      .read(({ db }) => db.prepare('select * from order_list__customers').all());
    expect(rows).toEqual([{ customer: 'ada', orders: 1 }]);
    await until('the drop is on record', async () => (await kindsIn(storage)).length === 4);
    expect(await kindsIn(storage)).toEqual([
      'order-list create-schema 2',
      'order-list@live switch-schema 1',
      'order-list@live switch-schema 2',
      'order-list@live drop-schema 1',
    ]);
    expect(String(await verify(storage, second()))).toContain('0 lost, 0 doubled');
  });

  test('is built on from its position after a restart', async () => {
    const storage = await withOrders('ada', 'bob', 'cyd', 'dan');
    {
      await using runner = await run(slow(), { storage, batchSize: 1 });
      await until(
        'a part is built',
        async () => Number((await runner.status())[1]?.upstreams[0]?.position) > 0,
      );
    }
    await using runner = await startSecond(storage); // would fail on a row that it has already
    expect((await runner.get(CustomerList).customers()).rows).toHaveLength(4);
  });
});

test('a build that has failed goes on after resume()', async () => {
  let isBroken = true;
  class Breaking extends CustomerList {
    override readonly policy = this.project({
      'Order.Created': ({ data }, { db, tables }) => {
        if (isBroken) throw new Error('no zone');
        db.prepare(`insert into ${tables.customers} values (?, 1)`).run(data.customer);
      },
    });
  }
  const storage = await withOrders('ada', 'bob');
  await using runner = await run(System.of([[Orders, Breaking]]), { storage });
  await until('the build has failed', async () => (await runner.status())[1]?.state === 'failed');
  await runner.get(Orders).save(Order.place('cyd')); // does not fail with the build
  isBroken = false;
  await runner.resume(Breaking, { by: 'ada', reason: 'the zone is known' });
  await until('the schema is live', async () => (await runner.status())[1]?.building === undefined);
  expect((await runner.get(Breaking).customers()).rows).toHaveLength(3);
});

describe('two versions of a program', () => {
  test('each feed their own schema', async () => {
    const storage = await withOrders('ada');
    await using old = await run(first(), { storage, pollIntervalMs: 20 });
    await using runner = await run(slow(), { storage, pollIntervalMs: 20 });
    await until('the second schema is live', async () => (await runner.status())[1]?.building === undefined);
    await runner.get(Orders).save(Order.place('bob'));
    await until('the old program lists it', async () => (await old.get(OrderList).orders()).length === 2);
    await old.get(Orders).save(Order.place('cyd'));
    await until(
      'the new program lists it',
      async () => (await runner.get(SlowCustomerList).customers()).rows.length === 3,
    );
    expect(await old.get(OrderList).orders()).toHaveLength(3);
  });

  test('may start first at once: the tables are created once', async () => {
    const storage = temporarySqlite();
    const runners = await Promise.all([run(first(), { storage }), run(first(), { storage })]);
    for (const runner of runners) await runner.close();
    expect(await kindsIn(storage).catch(() => [])).not.toContain('order-list create-schema 2');
    await using runner = await run(first(), { storage });
    const operations = [];
    for await (const { kind } of listOperations(storage, first())) operations.push(kind);
    expect(operations).toEqual(['create-schema', 'switch-schema']);
    await runner.get(Orders).save(Order.place('ada'));
    expect(await runner.get(OrderList).orders()).toHaveLength(1);
  });

  test('the lower one neither switches back nor stops feeding its own tables', async () => {
    const storage = await withOrders('ada');
    await using runner = await run(System.of([[Orders, KeptCustomerList]]), { storage });
    await until('the second schema is live', async () => (await runner.status())[1]?.building === undefined);
    await using old = await run(first(), { storage, pollIntervalMs: 20 });
    await old.get(Orders).save(Order.place('bob'));
    expect(await old.get(OrderList).orders()).toHaveLength(2);
    expect((await old.status())[1]).not.toHaveProperty('building');
    const live = await old
      .get(OrderList)
      .read(({ db }) => db.prepare('select count(*) as n from order_list__customers').get());
    expect(live?.n).toBeGreaterThan(0);
  });

  test('the old one stops with a typed error when its tables were dropped', async () => {
    const storage = await withOrders('ada');
    await using old = await run(first(), { storage, pollIntervalMs: 20 });
    await using runner = await startSecond(storage);
    await until('the first schema is dropped', async () => (await kindsIn(storage)).length === 4);
    await runner.get(Orders).save(Order.place('bob'));
    await until('the old program notices it', async () => (await old.status())[1]?.state === 'failed');
    const [, { lastError } = { lastError: undefined }] = await old.status();
    expect([lastError, (lastError as Error).cause]).toContainEqual(expect.any(SchemaDroppedError));
    await expect(old.get(OrderList).orders()).rejects.toThrow(SchemaDroppedError);
    await old.close();
    await using again = await run(first(), { storage });
    expect((await again.status())[1]).toMatchObject({
      state: 'failed',
      lastError: expect.any(SchemaDroppedError),
    });
    await expect(again.get(OrderList).orders()).rejects.toThrow(
      "Schema 1 of projection 'order-list' was dropped, because a later schema is live.",
    );
  });
});

class KeptCustomerList extends CustomerList {
  static override readonly dropAfterMs = 60_000;
}

test('schemas in files of their own are built, read, switched and dropped without views', async () => {
  const storage = sqlite({ directory: temporaryDirectory() });
  {
    await using runner = await run(first(), { storage });
    await runner.get(Orders).save([Order.place('ada'), Order.place('bob')]);
  }
  {
    await using runner = await run(slow(), { storage, batchSize: 1 });
    expect(await runner.get(SlowCustomerList).customers()).toMatchObject({ schema: 1 });
  }
  await using runner = await startSecond(storage);
  expect(await runner.get(CustomerList).customers()).toMatchObject({
    schema: 2,
    rows: [{ orders: 1 }, { orders: 1 }],
  });
  await until('the drop is on record', async () => (await kindsIn(storage)).length === 4);
});
