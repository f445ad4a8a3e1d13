import { createdFor, orderCreated, orderIdOf, referringTo } from './events.ts';
import { BaselineFollower } from './follower.ts';
import type { BaselineLog, BaselineStorage } from './log.ts';

/** Records orders in one transaction, and returns their ids. */
export function placeOrders(orders: BaselineLog, customers: readonly string[]): readonly string[] {
  const ids: string[] = [];
  orders.transaction(() => {
    for (const customer of customers) {
      const event = orderCreated(customer);
      orders.append(event);
      ids.push(event.originatorId);
    }
  });
  return ids;
}

interface Command {
  readonly customer: string;
  resolve(id: string): void;
  reject(error: unknown): void;
}

/** The shop, hand-written directly on the storage. */
export class BaselineShop {
  readonly orders: BaselineLog;
  readonly #followers: ReadonlyMap<BaselineLog, readonly BaselineFollower[]>;
  #commands: Command[] = [];

  constructor(storage: BaselineStorage) {
    const orders = storage.open('orders');
    const reservations = storage.open('reservations');
    const payments = storage.open('payments');
    this.orders = orders;
    this.#followers = new Map([
      [
        orders,
        [
          creating(orders, reservations, 'Order.Created', 'Reservation.Created'),
          creating(orders, payments, 'Order.Reserved', 'Payment.Created'),
        ],
      ],
      [
        reservations,
        [referring(reservations, orders, 'Reservation.Created', 'Order.Reserved', 'reservationId')],
      ],
      [payments, [referring(payments, orders, 'Payment.Created', 'Order.Paid', 'paymentId')]],
    ]);
  }

  /** Concurrent commands share a transaction, and resolve when every event that follows from them is processed. */
  place(customer: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const waiting = this.#commands.push({ customer, resolve, reject });
      if (waiting === 1) process.nextTick(() => this.#commit());
    });
  }

  #commit(): void {
    const commands = this.#commands;
    this.#commands = [];
    try {
      const ids = placeOrders(
        this.orders,
        commands.map(({ customer }) => customer),
      );
      this.settle([this.orders]);
      for (const [i, { resolve }] of commands.entries()) resolve(ids[i] ?? '');
    } catch (error) {
      for (const { reject } of commands) reject(error);
    }
  }

  /**
   * Processes the logs that have grown, by default all, until nothing is left, in the order in which they grew. Positions
   * after ignored notifications are recorded with the next reaction, or by {@link flush}.
   */
  settle(grown: Iterable<BaselineLog> = this.#followers.keys()): void {
    const prompts = new Set(grown);
    for (const log of prompts) {
      prompts.delete(log);
      for (const follower of this.#followers.get(log) ?? []) {
        if (follower.run()) prompts.add(follower.log);
      }
    }
  }

  /** Records the positions after ignored notifications. */
  flush(): void {
    for (const followers of this.#followers.values()) for (const follower of followers) follower.flush();
  }

  /** The logs of all applications. */
  get logs(): Iterable<BaselineLog> {
    return this.#followers.keys();
  }
}

/** A follower that creates an aggregate for each order. */
function creating(orders: BaselineLog, log: BaselineLog, type: string, newType: string): BaselineFollower {
  return new BaselineFollower(orders, log, type, (cause) =>
    log.append(createdFor(orders.name, cause, newType)),
  );
}

/** A follower that records on each order which aggregate was created for it. */
function referring(
  upstream: BaselineLog,
  orders: BaselineLog,
  type: string,
  newType: string,
  key: string,
): BaselineFollower {
  return new BaselineFollower(upstream, orders, type, (cause) => {
    const orderId = orderIdOf(cause);
    orders.append(referringTo(orderId, orders.versionOf(orderId), upstream.name, cause, newType, key));
  });
}
