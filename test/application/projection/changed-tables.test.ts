import { run, SchemaChangedError, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { Order, OrderList, Orders } from '../../support/projections/order-list.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

const places = [
  ...storages,
  { name: 'sqlite with a file for each schema', create: () => sqlite({ directory: temporaryDirectory() }) },
];

for (const { name, create } of places) {
  const listing = () => {
    const storage = create();
    const List = listedOn(storage).list as typeof OrderList;
    const runWith = (kind: typeof OrderList) => run(System.of([[Orders, kind]]), { storage });
    /** Executes a statement with the handle of `create()`. */
    const execute = (db: object, sql: string) =>
      (db as { exec?(sql: string): unknown; query(sql: string): unknown })[
        List === OrderList ? 'exec' : 'query'
      ]?.(sql);
    return { List, runWith, execute };
  };

  test(`a projection with other tables under the same schema is refused at the start, on ${name}`, async () => {
    const { List, runWith } = listing();
    class Renamed extends List {
      static override readonly tables: readonly string[] = ['purchases'];
    }
    await (await runWith(List)).close();
    const error = await rejectionOf(runWith(Renamed), SchemaChangedError);
    expect(error).toMatchObject({
      code: 'SCHEMA_CHANGED',
      applicationName: 'order-list',
      schema: 1,
      changes: ["'orders' is missing", "'purchases' is new"],
      message: expect.stringContaining("Raise 'static readonly schema' above 1"),
    });
  });

  test(`a projection with other columns under the same schema is refused at the start, on ${name}`, async () => {
    const { List, runWith, execute } = listing();
    const withColumns = (columns: string) =>
      class extends List {
        override async create({ db, tables }: Parameters<OrderList['create']>[0]) {
          await execute(db, `create table ${tables.orders} (${columns})`);
        }
      };
    const changesOf = async (columns: string) =>
      (await rejectionOf(runWith(withColumns(columns)), SchemaChangedError)).changes;
    await (await runWith(withColumns('id text primary key, total integer'))).close();
    expect(await changesOf('id text primary key, amount integer')).toEqual([
      "'orders' has columns (amount integer, id text) instead of (id text, total integer)",
    ]);
    expect(await changesOf('id text primary key, total text')).toHaveLength(1);
    expect(await changesOf('id text primary key')).toHaveLength(1);
    await using again = await runWith(withColumns('total integer not null, id text primary key'));
    expect((await again.status())[1]).toMatchObject({ state: 'idle' });
  });

  test(`tables and rows stay as they are while they are compared, on ${name}`, async () => {
    const { List, runWith } = listing();
    for (const customer of ['ada', 'bob', 'cyd']) {
      await using runner = await runWith(List);
      await runner.get(Orders).save(Order.place(customer));
    }
    await using runner = await runWith(List);
    expect(await runner.get(List).orders()).toHaveLength(3);
  });
}
