import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, run, SchemaChangedError, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { OrderList, Orders } from '../../support/projections/order-list.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

const places = [
  ...storages,
  { name: 'sqlite with a file for each schema', create: () => sqlite({ directory: temporaryDirectory() }) },
];

test.each(places)(
  'a projection with other tables under the same schema is refused on $name',
  async ({ create }) => {
    const storage = create();
    const List = listedOn(storage).list as typeof OrderList;
    class Renamed extends List {
      static override readonly tables: readonly string[] = ['purchases'];
    }
    const runWith = (kind: typeof OrderList) => run(System.of([[Orders, kind]]), { storage });
    await (await runWith(List)).close();
    const error = await rejectionOf(runWith(Renamed), SchemaChangedError);
    expect(error).toMatchObject({
      code: 'SCHEMA_CHANGED',
      applicationName: 'order-list',
      schema: 1,
      changes: ["'orders' is missing", "'purchases' is new"],
      message: expect.stringContaining("Raise 'static readonly schema' above 1"),
    });
    await using again = await runWith(List);
    expect((await again.status())[1]).toMatchObject({ state: 'idle' });
  },
);

test('of two runners that create different tables under the same schema at once, one is refused', async () => {
  const storage = sqlite({ file: join(temporaryDirectory(), 'shop.db') });
  class Renamed extends OrderList {
    static override readonly tables: readonly string[] = ['purchases'];
    override create({ db, tables }: CreateContext<DatabaseSync>) {
      db.exec(`create table ${tables.purchases} (id text) strict`);
    }
  }
  const starts = [OrderList, Renamed].map((kind) => run(System.of([[Orders, kind]]), { storage }));
  const ends = await Promise.allSettled(starts);
  for (const end of ends) if (end.status === 'fulfilled') await end.value.close();
  const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  expect(errors).toEqual([expect.any(SchemaChangedError)]);
});
