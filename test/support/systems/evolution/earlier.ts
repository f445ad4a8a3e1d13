// Orders and a journal of them, before their events moved on.
import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';
import { Entry, type EntryEvent } from './entries.ts';

export type EarlierEvent =
  | DomainEvent<'Order.Placed', { customer: string; pounds: number }>
  | DomainEvent<'Order.Changed', { name?: string; to?: string }>
  | DomainEvent<'Order.Noted', { text: string }>;

export class Order extends Aggregate<EarlierEvent> {
  static place(customer: string, pounds: number, id?: string): Order {
    return Order.create('Order.Placed', { customer, pounds }, id);
  }
  change(change: { name?: string; to?: string }): this {
    this.trigger('Order.Changed', change);
    return this;
  }
  note(text: string): this {
    this.trigger('Order.Noted', { text });
    return this;
  }
}

export class Orders extends Application<EarlierEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed', 'Order.Changed', 'Order.Noted'] as const;
}

/** Writes an entry for each order. Ignores changes and notes. */
export class Journal extends ProcessApplication<EntryEvent, EarlierEvent> {
  static readonly applicationName = 'journal';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({
    'Order.Placed': ({ data }, repository) =>
      Entry.make(`created ${data.customer} ${data.pounds * 500} g`, repository.deriveId()),
  });
}

export const system = System.of([[Orders, Journal]], { module: import.meta.url });
