import { type CreateContext, Projection } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import type { OrderEvent } from './order-list.ts';

/** As `OrderList`, with the handle of PostgreSQL. */
export class PostgresOrderList extends Projection<OrderEvent, { rows: PostgresRows }> {
  static readonly applicationName = 'order-list';
  static readonly schema: number = 1;
  static readonly tables: readonly string[] = ['orders'];
  static readonly rows = postgresRows;

  override async create({ db, tables, nameOf }: CreateContext<PostgresRows>): Promise<void> {
    await db.query(
      `create table ${tables.orders} (id text primary key, customer text not null, paid bigint not null)`,
    );
    await db.query(`create index ${nameOf('by_customer')} on ${tables.orders} (customer)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ originatorId, data }, { db, tables }) =>
      db.query(`insert into ${tables.orders} values ($1, $2, 0)`, [originatorId, data.customer]),
    'Order.Paid': ({ originatorId, data }, { db, tables }) =>
      db.query(`update ${tables.orders} set paid = paid + $2 where id = $1`, [originatorId, data.amount]),
  });

  orders(): Promise<{ customer: string; paid: number }[]> {
    return this.read(async ({ db, tables }) => {
      const { rows } = await db.query<{ customer: string; paid: string }>(
        `select customer, paid from ${tables.orders} order by customer`,
      );
      return rows.map(({ customer, paid }) => ({ customer, paid: Number(paid) }));
    });
  }
}

/** As `CustomerList`, with the handle of PostgreSQL. */
export class PostgresCustomerList extends PostgresOrderList {
  static override readonly schema: number = 2;
  static override readonly tables: readonly string[] = ['customers'];
  static readonly buildShare: number = 1;
  static readonly dropAfterMs: number = 0;

  override async create({ db, tables }: CreateContext<PostgresRows>): Promise<void> {
    await db.query(`create table ${tables.customers} (customer text primary key, orders bigint not null)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ data }, { db, tables }) =>
      db.query(
        `insert into ${tables.customers} as c values ($1, 1) on conflict (customer) do update set orders = c.orders + 1`,
        [data.customer],
      ),
  });

  customers(): Promise<{ schema: number; rows: unknown[] }> {
    return this.read(async ({ db, tables, schema }) => {
      const { rows } = await db.query(
        `select * from ${schema === 1 ? tables.orders : tables.customers} order by customer`,
      );
      return { schema, rows };
    });
  }
}
