import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, Projection } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import type { OrderEvent } from '../shop/order.ts';
import type { ListedOrder } from './listed-order.ts';

/** Lists the orders of each customer in tables of SQLite. */
export class SqliteOrderList extends Projection<OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'order-list';
  static readonly schema = 1;
  static readonly tables = ['orders'];
  static readonly rows = sqliteRows;

  override create({ db, tables, nameOf }: CreateContext<DatabaseSync>): void {
    db.exec(
      `create table ${tables.orders} (id text primary key, customer text not null, state text not null) strict`,
    );
    db.exec(`create index ${nameOf('orders_by_customer')} on ${tables.orders} (customer, id)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ originatorId, data }, { db, tables }) =>
      db.prepare(`insert into ${tables.orders} values (?, ?, 'placed')`).run(originatorId, data.customer),
    'Order.Reserved': ({ originatorId }, { db, tables }) =>
      db.prepare(`update ${tables.orders} set state = 'reserved' where id = ?`).run(originatorId),
    'Order.Paid': ({ originatorId }, { db, tables }) =>
      db.prepare(`update ${tables.orders} set state = 'paid' where id = ?`).run(originatorId),
  });

  /** Resolves with the orders of a customer, the oldest first: ids are in the order of time. */
  ordersOf(customer: string): Promise<readonly ListedOrder[]> {
    return this.read(({ db, tables }) => {
      const select = db.prepare(`select id, state from ${tables.orders} where customer = ? order by id`);
      return select.all(customer) as unknown as readonly ListedOrder[];
    });
  }
}
