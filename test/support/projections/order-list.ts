import type { DatabaseSync } from 'node:sqlite';
import { Aggregate, Application, type CreateContext, type DomainEvent, Projection } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';

export type OrderEvent =
  | DomainEvent<'Order.Created', { customer: string }>
  | DomainEvent<'Order.Paid', { amount: number }>;

export class Order extends Aggregate<OrderEvent> {
  static place(customer: string): Order {
    return Order.create('Order.Created', { customer });
  }

  pay(amount: number): void {
    this.trigger('Order.Paid', { amount });
  }
}

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Created', 'Order.Paid'] as const;
}

/** Lists the orders with what was paid for each. */
export class OrderList extends Projection<OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'order-list';
  static readonly schema: number = 1;
  static readonly tables: readonly string[] = ['orders'];
  static readonly rows = sqliteRows;

  override create({ db, tables, nameOf }: CreateContext<DatabaseSync>): void {
    db.exec(
      `create table ${tables.orders} (id text primary key, customer text not null, paid integer not null) strict`,
    );
    db.exec(`create index ${nameOf('by_customer')} on ${tables.orders} (customer)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ originatorId, data }, { db, tables }) => {
      db.prepare(`insert into ${tables.orders} values (?, ?, 0)`).run(originatorId, data.customer);
    },
    'Order.Paid': ({ originatorId, data }, { db, tables }) => {
      db.prepare(`update ${tables.orders} set paid = paid + ? where id = ?`).run(data.amount, originatorId);
    },
  });

  orders(): Promise<{ customer: string; paid: number }[]> {
    return this.read(
      ({ db, tables }) =>
        db.prepare(`select customer, paid from ${tables.orders} order by customer`).all() as never,
    );
  }
}

/** The list in another layout: one row for each customer. Built slowly, so that tests see it being built. */
export class SlowCustomerList extends OrderList {
  static override readonly schema: number = 2;
  static override readonly tables: readonly string[] = ['customers'];
  /** Rests of up to a second between batches. */
  static readonly buildShare: number = 0.0001;

  override create({ db, tables }: CreateContext<DatabaseSync>): void {
    db.exec(`create table ${tables.customers} (customer text primary key, orders integer not null) strict`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ data }, { db, tables }) =>
      db
        .prepare(
          `insert into ${tables.customers} values (?, 1) on conflict do update set orders = orders + 1`,
        )
        .run(data.customer),
  });

  customers(): Promise<{ schema: number; rows: unknown[] }> {
    return this.read(({ db, tables, schema }) => {
      const table = schema === 1 ? tables.orders : tables.customers;
      return { schema, rows: db.prepare(`select * from ${table} order by customer`).all() };
    });
  }
}

/** As {@link SlowCustomerList}, built at once; earlier schemas are dropped at once. */
export class CustomerList extends SlowCustomerList {
  static override readonly buildShare = 1;
  static readonly dropAfterMs: number = 0;
}
