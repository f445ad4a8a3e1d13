// What both versions of the system of orders and their ledger have in common.
import { Aggregate, type DomainEvent, type PolicyRepository } from 'kahn';

export type OrderEvent = DomainEvent<'Order.Made', object> | DomainEvent<'Order.Paid', object>;
export type LaterOrderEvent = OrderEvent | DomainEvent<'Order.Cancelled', object>;

export class Order extends Aggregate<LaterOrderEvent> {
  static make(id?: string): Order {
    return Order.create('Order.Made', {}, id);
  }

  pay(): this {
    this.trigger('Order.Paid', {});
    return this;
  }

  cancel(): this {
    this.trigger('Order.Cancelled', {});
    return this;
  }
}

export type EntryEvent = DomainEvent<'Entry.Made', { type: string; version: string }>;

/** A notification that the ledger has handled, and the version of the ledger that did. */
class Entry extends Aggregate<EntryEvent> {}

/** Returns a handler that makes an entry, in the name of a version. */
export function entryBy(version: string) {
  return ({ type }: DomainEvent, repository: PolicyRepository<EntryEvent>): Entry =>
    Entry.create('Entry.Made', { type, version }, repository.deriveId());
}
