import { DownstreamError, MultiThreadedRunner, SingleThreadedRunner, type SystemRunner } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { Order } from '../shop/order.ts';
import { Orders } from '../shop/orders.ts';
import type { ListedOrder } from './listed-order.ts';
import { PostgresOrderList } from './postgres-order-list.ts';
import { SqliteOrderList } from './sqlite-order-list.ts';
import { postgresShop, sqliteShop } from './systems.ts';

export interface OrderDeskOptions {
  /** Where the shop is kept: the URL of a PostgreSQL database, or else the name of an SQLite file. */
  readonly database: string;
  /** Whether each application has a thread of its own. */
  readonly usesThreads: boolean;
  /** Longest time that a customer waits for the list, in ms. @default 5_000 */
  readonly patienceMs?: number;
}

export interface PlacedOrder {
  readonly id: string;
  /** Whether the list of the customer shows the order already. */
  readonly isListed: boolean;
}

/** Takes orders, and lists those of each customer. */
export interface OrderDesk extends AsyncDisposable {
  /** Records an order, and waits until the list of its customer shows it with everything that follows from it. */
  place(customer: string): Promise<PlacedOrder>;
  /** Resolves with the orders of a customer, the oldest first. */
  ordersOf(customer: string): Promise<readonly ListedOrder[]>;
}

/** Starts the shop. */
export async function openDesk(options: OrderDeskOptions): Promise<OrderDesk> {
  const { database, usesThreads, patienceMs = 5_000 } = options;
  const runner = usesThreads ? MultiThreadedRunner : SingleThreadedRunner;
  if (URL.canParse(database)) {
    const storage = postgres({ connectionString: database });
    return deskOf(await runner.start(postgresShop, { storage }), PostgresOrderList, patienceMs);
  }
  const storage = sqlite({ file: database });
  return deskOf(await runner.start(sqliteShop, { storage }), SqliteOrderList, patienceMs);
}

function deskOf<List extends typeof SqliteOrderList | typeof PostgresOrderList>(
  runner: SystemRunner<typeof Orders | NoInfer<List>>,
  list: List,
  patienceMs: number,
): OrderDesk {
  return {
    async place(customer) {
      const order = Order.place(customer);
      try {
        const saved = await runner.get(Orders).save(order);
        await runner.processed(saved, { by: list, signal: AbortSignal.timeout(patienceMs) });
        return { id: order.id, isListed: true };
      } catch (error) {
        if (isRecorded(error)) return { id: order.id, isListed: false };
        throw error;
      }
    },
    ordersOf: (customer) => runner.get(list).ordersOf(customer),
    [Symbol.asyncDispose]: () => runner.close(),
  };
}

/** Whether an order is recorded, although an application that follows it has failed or takes long. */
function isRecorded(error: unknown): boolean {
  return error instanceof DownstreamError || (error as Error).name === 'TimeoutError';
}
