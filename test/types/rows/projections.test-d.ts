import type { DatabaseSync } from 'node:sqlite';
import { Aggregate, Application, type CreateContext, type DomainEvent, Projection, System } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { expectTypeOf } from 'vitest';

type OrderEvent =
  | DomainEvent<'Order.Created', { customer: string }>
  | DomainEvent<'Order.Paid', { paid: number }>;
class Order extends Aggregate<OrderEvent> {}

class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Created', 'Order.Paid'] as const;
}

abstract class Base extends Projection<OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'order-list';

  override create({ db, tables, nameOf }: CreateContext<DatabaseSync>) {
    expectTypeOf(db).toEqualTypeOf<DatabaseSync>();
    expectTypeOf(tables).toEqualTypeOf<Readonly<Record<string, string>>>();
    expectTypeOf(nameOf('by_customer')).toEqualTypeOf<string>();
  }

  override readonly policy = this.project({
    'Order.Created': (event, { db, signal, isReplay }) => {
      expectTypeOf(event.data).toEqualTypeOf<{ readonly customer: string }>();
      expectTypeOf(db).toEqualTypeOf<DatabaseSync>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(isReplay).toEqualTypeOf<boolean>();
    },
    'Order.Paid': ({ data }, { db, tables }) =>
      db.prepare(`insert into ${tables.orders} values (?)`).run(data.paid),
  });
}

class OrderList extends Base {
  static readonly schema = 1;
  static readonly tables = ['orders'];
  static readonly rows = sqliteRows;
}

System.of([[Orders, OrderList]]);

class Shipped extends Base {
  // @ts-expect-error: 'Order.Shipped' is no type of the events that it follows
  override readonly policy = this.project({ 'Order.Shipped': () => {} });
}
void Shipped;

class NoSchema extends Base {
  static readonly tables = ['orders'];
  static readonly rows = sqliteRows;
}
// @ts-expect-error: 'order-list' needs static readonly schema = 1.
System.of([[Orders, NoSchema]]);

class NoTables extends Base {
  static readonly schema = 1;
  static readonly rows = sqliteRows;
}
// @ts-expect-error: 'order-list' needs static readonly tables = ['...'].
System.of([[Orders, NoTables]]);

class NoRows extends Base {
  static readonly schema = 1;
  static readonly tables = ['orders'];
}
// @ts-expect-error: 'order-list' needs static readonly rows = sqliteRows or postgresRows.
System.of([[Orders, NoRows]]);

class OtherHandle extends Projection<OrderEvent, { rows: { query(sql: string): Promise<unknown> } }> {
  static readonly applicationName = 'order-list';
  static readonly schema = 1;
  static readonly tables = ['orders'];
  static readonly rows = sqliteRows;
  override create() {}
  override readonly policy = this.project({ 'Order.Created': () => {} });
}
// @ts-expect-error: The rows of 'order-list' have another handle than its type parameter says.
System.of([[Orders, OtherHandle]]);

// @ts-expect-error: create() is missing
class NoCreate extends Projection<OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'order-list';
  override readonly policy = this.project({ 'Order.Created': () => {} });
}
void NoCreate;

async function commands(list: OrderList): Promise<void> {
  // @ts-expect-error: a projection saves no aggregates
  await list.save(Order.create('Order.Created', { customer: 'ada' }));
  const rows = await list.read(({ db, tables, schema }) => {
    expectTypeOf(db).toEqualTypeOf<DatabaseSync>();
    expectTypeOf(schema).toBeNumber();
    return db.prepare(`select * from ${tables.orders}`).all();
  });
  expectTypeOf(rows).toBeArray();
}
void commands;
