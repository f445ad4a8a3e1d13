import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, Projection, run, System } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import type { OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import type { ReservationEvent } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { until } from '../../support/until.ts';

/** Lists the types of all events in the order in which they are handled. */
class Journal extends Projection<OrderEvent | ReservationEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'journal';
  static readonly schema: number = 1;
  static readonly tables = ['entries'];
  static readonly rows = sqliteRows;

  override create({ db, tables }: CreateContext<DatabaseSync>): void {
    db.exec(`create table ${tables.entries} (id integer primary key, order_id text, type text) strict`);
  }

  override readonly policy = this.project({
    'Order.Created': (event, { db, tables }) => note(db, tables.entries, event.originatorId, event.type),
    'Order.Reserved': (event, { db, tables }) => note(db, tables.entries, event.originatorId, event.type),
    'Reservation.Created': (event, { db, tables }) =>
      note(db, tables.entries, event.data.orderId, event.type),
  });

  async of(orderId: string): Promise<readonly unknown[]> {
    const rows = await this.read(({ db, tables }) =>
      db.prepare(`select type from ${tables.entries} where order_id = ? order by id`).all(orderId),
    );
    return rows.map(({ type }) => type);
  }
}

class SecondJournal extends Journal {
  static override readonly schema = 2;
}

function note(db: DatabaseSync, table: string | undefined, orderId: string, type: string): void {
  db.prepare(`insert into ${table} (order_id, type) values (?, ?)`).run(orderId, type);
}

test('a projection of several upstreams sees each cause before its effects, also while it is built', async () => {
  const storage = temporarySqlite();
  const ids: string[] = [];
  const shop = (journal: typeof Journal) =>
    System.of([
      [Orders, Reservations, Orders, journal],
      [Reservations, journal],
    ]);
  {
    await using runner = await run(shop(Journal), { storage, batchSize: 3 });
    for (let i = 0; i < 10; i += 1) ids.push(await runner.get(Orders).place(`customer ${i}`));
  }
  await using runner = await run(shop(SecondJournal), { storage, batchSize: 3 });
  await until('it is live', async () =>
    (await runner.status()).every(({ building }) => building === undefined),
  );
  for (const id of ids) {
    expect(await runner.get(SecondJournal).of(id)).toEqual([
      'Order.Created',
      'Reservation.Created',
      'Order.Reserved',
    ]);
  }
});
