import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, Projection, type StorageDescription } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { sqliteRows } from 'kahn/sqlite';
import type { OrderEvent } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { timed } from '../measure.ts';

/** Columns of the list of orders. */
export const columns = '(id text primary key, customer text not null)';

const onConflict = 'on conflict (id) do update set customer = excluded.customer';

/** Returns the statement that puts an order into a table of SQLite. */
export function sqliteUpsert(table: string | undefined): string {
  return `insert into ${table} (id, customer) values (?, ?) ${onConflict}`;
}

/** Returns the statement that puts an order into a table of PostgreSQL. */
export function postgresUpsert(table: string | undefined): string {
  return `insert into ${table} (id, customer) values ($1, $2) ${onConflict}`;
}

/** Returns a projection by SQLite with a name of its own. */
function sqliteOrderList(name: string) {
  return class OrderList extends Projection<OrderEvent, { rows: DatabaseSync }> {
    static readonly applicationName = name;
    static readonly schema = 1;
    static readonly tables = ['orders'];
    static readonly rows = sqliteRows;

    override create({ db, tables }: CreateContext<DatabaseSync>): void {
      db.exec(`create table ${tables.orders} ${columns}`);
    }

    override readonly policy = this.project({
      'Order.Created': ({ originatorId, data }, { db, tables }) => {
        db.prepare(sqliteUpsert(tables.orders)).run(originatorId, data.customer);
      },
    });

    count(): Promise<number> {
      return this.read(({ db, tables }) =>
        Number(db.prepare(`select count(distinct customer) as count from ${tables.orders}`).get()?.count),
      );
    }
  };
}

/** Returns a projection by PostgreSQL with a name of its own. */
function postgresOrderList(name: string) {
  return class OrderList extends Projection<OrderEvent, { rows: PostgresRows }> {
    static readonly applicationName = name;
    static readonly schema = 1;
    static readonly tables = ['orders'];
    static readonly rows = postgresRows;

    override async create({ db, tables }: CreateContext<PostgresRows>): Promise<void> {
      await db.query(`create table ${tables.orders} ${columns}`);
    }

    override readonly policy = this.project({
      'Order.Created': async ({ originatorId, data }, { db, tables }) => {
        await db.query(postgresUpsert(tables.orders), [originatorId, data.customer]);
      },
    });

    count(): Promise<number> {
      return this.read(async ({ db, tables }) => {
        const { rows } = await db.query(`select count(distinct customer) as count from ${tables.orders}`);
        return Number(rows[0]?.count);
      });
    }
  };
}

/** Time and content of a list of orders that was built from the log. */
export interface Built {
  readonly ms: number;
  /** Number of customers in the list. */
  readonly customers: number;
}

/** Builds a list of orders by a projection that nobody has built before. Opening and creating tables is not measured. */
export async function buildByLibrary(
  storage: StorageDescription,
  name: string,
  isPostgres: boolean,
): Promise<Built> {
  const open = isPostgres
    ? () => postgresOrderList(name).open({ storage })
    : () => sqliteOrderList(name).open({ storage });
  await using orders = await Orders.open({ storage });
  await using list = await open();
  list.follow(orders.log);
  const { ms } = await timed(() => list.run());
  return { ms, customers: await list.count() };
}
