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
