import { run, SchemaChangedError, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { type OrderList, Orders } from '../../support/projections/order-list.ts';
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
