import { type CreateContext, Projection } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import type { OrderEvent } from '../shop/order.ts';
import type { ListedOrder } from './listed-order.ts';

/** Lists the orders of each customer in tables of PostgreSQL. */
export class PostgresOrderList extends Projection<OrderEvent, { rows: PostgresRows }> {
  static readonly applicationName = 'order-list';
  static readonly schema = 1;
  static readonly tables = ['orders'];
  static readonly rows = postgresRows;

  override async create({ db, tables, nameOf }: CreateContext<PostgresRows>): Promise<void> {
    await db.query(
      `create table ${tables.orders} (id text primary key, customer text not null, state text not null)`,
    );
    await db.query(`create index ${nameOf('orders_by_customer')} on ${tables.orders} (customer, id)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ originatorId, data }, { db, tables }) =>
      db.query(`insert into ${tables.orders} values ($1, $2, 'placed')`, [originatorId, data.customer]),
    'Order.Reserved': ({ originatorId }, { db, tables }) =>
      db.query(`update ${tables.orders} set state = 'reserved' where id = $1`, [originatorId]),
    'Order.Paid': ({ originatorId }, { db, tables }) =>
      db.query(`update ${tables.orders} set state = 'paid' where id = $1`, [originatorId]),
  });

  /** Resolves with the orders of a customer, the oldest first: ids are in the order of time. */
  ordersOf(customer: string): Promise<readonly ListedOrder[]> {
    return this.read(async ({ db, tables }) => {
      const select = `select id, state from ${tables.orders} where customer = $1 order by id`;
      return (await db.query<ListedOrder>(select, [customer])).rows;
    });
  }
}
