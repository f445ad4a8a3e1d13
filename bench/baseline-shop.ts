import { madeFor, noted, orderCreated, orderOf } from './baseline-events.ts';
import { BoundFollower } from './baseline-follower.ts';
import type { BoundLog, BoundStorage } from './baseline-log.ts';

/** Records orders, all of them in one transaction, and gives their ids. */
export function placeOrders(orders: BoundLog, customers: readonly string[]): readonly string[] {
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

/** The shop as one would write it by hand for the same storage, with nothing of the library above its tables. */
export class BoundShop {
  readonly orders: BoundLog;
  readonly #followers: ReadonlyMap<BoundLog, readonly BoundFollower[]>;
  #commands: Command[] = [];

  constructor(storage: BoundStorage) {
    const orders = storage.open('orders');
    const reservations = storage.open('reservations');
    const payments = storage.open('payments');
    this.orders = orders;
    this.#followers = new Map([
      [
        orders,
        [
          follows(orders, reservations, 'Order.Created', 'Reservation.Created'),
          follows(orders, payments, 'Order.Reserved', 'Payment.Created'),
        ],
      ],
      [reservations, [notes(reservations, orders, 'Reservation.Created', 'Order.Reserved', 'reservationId')]],
      [payments, [notes(payments, orders, 'Payment.Created', 'Order.Paid', 'paymentId')]],
    ]);
  }

  /** Commands given at the same time share a transaction, and end once all that comes of them is processed. */
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

  /** Processes all there is, and what comes of it, in the order in which the logs have grown. */
  settle(grown: Iterable<BoundLog> = this.#followers.keys()): void {
    const prompts = new Set(grown);
    for (const log of prompts) {
      prompts.delete(log);
      for (const follower of this.#followers.get(log) ?? []) {
        if (follower.run()) prompts.add(follower.log);
      }
    }
    for (const followers of this.#followers.values()) for (const follower of followers) follower.flush();
  }

  /** The logs of all applications. */
  get logs(): Iterable<BoundLog> {
    return this.#followers.keys();
  }
}

/** Makes something new for an order. */
function follows(orders: BoundLog, log: BoundLog, type: string, newType: string): BoundFollower {
  return new BoundFollower(orders, log, type, (cause) => log.append(madeFor(cause, newType)));
}

/** Notes on an order, which it looks up, what was made for it. */
function notes(
  upstream: BoundLog,
  orders: BoundLog,
  type: string,
  newType: string,
  key: string,
): BoundFollower {
  return new BoundFollower(upstream, orders, type, (cause) => {
    const orderId = orderOf(cause);
    orders.append(noted(orderId, orders.versionOf(orderId), cause, newType, key));
  });
}
