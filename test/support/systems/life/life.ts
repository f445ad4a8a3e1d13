import type { DatabaseSync } from 'node:sqlite';
import {
  Aggregate,
  type CreateContext,
  type DomainEvent,
  defineResources,
  type ErrorRule,
  ProcessApplication,
  Projection,
  System,
} from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { sqliteRows } from 'kahn/sqlite';
import { isRaised } from '../../../runner/multi-threaded/file-flags.ts';

type OrderEvent =
  | DomainEvent<'Order.Placed', { customer: string }>
  | DomainEvent<'Order.Delivered', { by: string }>;
type DeliveryEvent = DomainEvent<'Delivery.Made', { orderId: string; by: string }>;

class Order extends Aggregate<OrderEvent> {
  deliver(by: string): void {
    this.trigger('Order.Delivered', { by });
  }
}
class Delivery extends Aggregate<DeliveryEvent> {}

export class StrikeError extends Error {
  override readonly name = 'StrikeError';
}

type Handle = DatabaseSync | PostgresRows;
/** Database whose driver records the rows. */
export type Driver = 'sqlite' | 'postgres';

/** Executes a statement with text parameters, written as `?`, by either driver. */
async function execute(db: Handle, sql: string, ...values: string[]): Promise<void> {
  if ('prepare' in db) db.prepare(sql).run(...values);
  else await db.query(numbered(sql), values);
}

async function select(db: Handle, sql: string): Promise<readonly string[]> {
  const rows = 'prepare' in db ? db.prepare(sql).all() : (await db.query(sql)).rows;
  return rows.map((row) => Object.values(row).join(' ')).sort();
}

function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}

/** Delivers orders by a courier, who does not go to remote customers during a strike. */
const resources = defineResources({
  courier: () => ({
    async deliver(customer: string): Promise<string> {
      if (isRaised('strike') && customer.startsWith('remote'))
        throw new StrikeError(`nobody goes to ${customer}`);
      return 'courier';
    },
  }),
});

type Courier = { readonly courier: { deliver(customer: string): Promise<string> } };

/**
 * Makes a system with resources, rows, error rules and a projection: orders are delivered and marked as delivered, and
 * listed by customer.
 *
 * @param schema Schema of the list: the second one also has who delivered an order.
 */
export function lifeOf(driver: Driver, schema: 1 | 2, module: string) {
  const rows = (driver === 'sqlite' ? sqliteRows : postgresRows) as typeof sqliteRows;

  class Orders extends ProcessApplication<OrderEvent, DeliveryEvent> {
    static readonly applicationName = 'orders';
    static readonly emits = ['Order.Placed', 'Order.Delivered'] as const;
    override readonly policy = this.when({
      'Delivery.Made': async ({ data }, repository) => {
        (await repository.get(Order, data.orderId)).deliver(data.by);
      },
    });
    place(customer: string) {
      return this.save(Order.create('Order.Placed', { customer }));
    }
  }

  class Deliveries extends ProcessApplication<
    DeliveryEvent,
    OrderEvent,
    { rows: DatabaseSync; resources: Courier }
  > {
    static readonly applicationName = 'deliveries';
    static readonly emits = ['Delivery.Made'] as const;
    static readonly rows = rows;
    static readonly errorRules: readonly ErrorRule[] = [
      { error: (error) => (error as Error).name === 'StrikeError', action: 'park' },
    ];
    override readonly policy = this.when({
      'Order.Placed': async ({ originatorId, data: { customer } }, repository, context) => {
        const db = await context.rows();
        await execute(
          db,
          'create table if not exists tours (order_id text primary key, customer text not null)',
        );
        await execute(db, 'insert into tours values (?, ?)', originatorId, customer);
        const by = await context.resources.courier.deliver(customer);
        return Delivery.create('Delivery.Made', { orderId: originatorId, by }, repository.deriveId());
      },
    });
    tours(): Promise<readonly string[]> {
      return this.readRows((db) => select(db, 'select customer from tours'));
    }
  }

  class OrderList extends Projection<OrderEvent, { rows: DatabaseSync }> {
    static readonly applicationName = 'order-list';
    static readonly schema = schema;
    static readonly tables = ['orders'] as const;
    static readonly rows = rows;
    override async create({ db, tables }: CreateContext<DatabaseSync>): Promise<void> {
      const column = schema === 1 ? '' : ', courier text';
      await execute(
        db,
        `create table ${tables.orders} (id text primary key, customer text not null${column})`,
      );
    }
    override readonly policy = this.project({
      'Order.Placed': ({ originatorId, data }, { db, tables }) =>
        execute(db, `insert into ${tables.orders} (id, customer) values (?, ?)`, originatorId, data.customer),
      'Order.Delivered': ({ originatorId, data }, { db, tables }) =>
        schema === 1
          ? undefined
          : execute(db, `update ${tables.orders} set courier = ? where id = ?`, data.by, originatorId),
    });
    /** The rows of the live schema, and its number. */
    list(): Promise<{ readonly schema: number; readonly rows: readonly string[] }> {
      return this.read(async ({ db, tables, schema: live }) => ({
        schema: live,
        rows: await select(db, `select customer${live === 1 ? '' : ', courier'} from ${tables.orders}`),
      }));
    }
  }

  const system = System.of(
    [
      [Orders, Deliveries, Orders],
      [Orders, OrderList],
    ],
    { module, resources },
  );
  return { system, Orders, Deliveries, OrderList };
}
