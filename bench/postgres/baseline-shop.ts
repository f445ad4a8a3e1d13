import type pg from 'pg';
import { orderCreated } from '../baseline/events.ts';
import { PostgresFollower } from './baseline-follower.ts';
import { PostgresLog } from './baseline-log.ts';

/** Records orders in one statement, and returns their ids. */
export async function placeOrders(
  orders: PostgresLog,
  customers: readonly string[],
): Promise<readonly string[]> {
  const events = customers.map(orderCreated);
  await orders.append(events);
  return events.map(({ originatorId }) => originatorId);
}

interface Command {
  readonly customer: string;
  resolve(id: string): void;
  reject(error: unknown): void;
}

/** The shop, hand-written directly on PostgreSQL. */
export class PostgresShop {
  readonly orders: PostgresLog;
  readonly #followers: ReadonlyMap<PostgresLog, readonly PostgresFollower[]>;
  #commands: Command[] = [];
  #running = false;

  private constructor(orders: PostgresLog, followers: ReadonlyMap<PostgresLog, readonly PostgresFollower[]>) {
    this.orders = orders;
    this.#followers = followers;
  }

  static async open(client: pg.Client, schema: string): Promise<PostgresShop> {
    const orders = await PostgresLog.open(client, schema, 'orders');
    const reservations = await PostgresLog.open(client, schema, 'reservations');
    const payments = await PostgresLog.open(client, schema, 'payments');
    const { creating, referring } = PostgresFollower;
    const followers = new Map([
      [
        orders,
        [
          await creating(orders, reservations, 'Order.Created', 'Reservation.Created'),
          await creating(orders, payments, 'Order.Reserved', 'Payment.Created'),
        ],
      ],
      [
        reservations,
        [await referring(reservations, orders, 'Reservation.Created', 'Order.Reserved', 'reservationId')],
      ],
      [payments, [await referring(payments, orders, 'Payment.Created', 'Order.Paid', 'paymentId')]],
    ]);
    return new PostgresShop(orders, followers);
  }

  /** Waiting commands share a statement, and resolve when every event that follows from them is processed. */
  place(customer: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#commands.push({ customer, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      process.nextTick(() => this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#commands.length > 0) {
      const commands = this.#commands;
      this.#commands = [];
      try {
        const customers = commands.map(({ customer }) => customer);
        const ids = await placeOrders(this.orders, customers);
        await this.settle([this.orders]);
        for (const [i, { resolve }] of commands.entries()) resolve(ids[i] ?? '');
      } catch (error) {
        for (const { reject } of commands) reject(error);
      }
    }
    this.#running = false;
  }

  /**
   * Processes the logs that have grown, by default all, until nothing is left, in the order in which they grew. Positions
   * after ignored notifications are recorded with the next reaction, or by {@link flush}.
   */
  async settle(grown: Iterable<PostgresLog> = this.#followers.keys()): Promise<void> {
    const prompts = new Set(grown);
    for (const log of prompts) {
      prompts.delete(log);
      for (const follower of this.#followers.get(log) ?? []) {
        if (await follower.run()) prompts.add(follower.log);
      }
    }
  }

  /** Records the positions after ignored notifications. */
  async flush(): Promise<void> {
    for (const followers of this.#followers.values()) {
      for (const follower of followers) await follower.flush();
    }
  }

  /** The logs of all applications. */
  get logs(): Iterable<PostgresLog> {
    return this.#followers.keys();
  }
}
