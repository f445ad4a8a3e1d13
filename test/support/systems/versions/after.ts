// The version after: orders can be cancelled, and the ledger handles payments and cancellations.
import { Application, ProcessApplication, System } from 'kahn';
import { type EntryEvent, entryBy, type LaterOrderEvent } from './orders.ts';

export class Orders extends Application<LaterOrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Made', 'Order.Paid', 'Order.Cancelled'] as const;
}

export class Ledger extends ProcessApplication<EntryEvent, LaterOrderEvent> {
  static readonly applicationName = 'ledger';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({
    'Order.Made': entryBy('after'),
    'Order.Paid': entryBy('after'),
    'Order.Cancelled': entryBy('after'),
  });
}

export const system = System.of([[Orders, Ledger]], { module: import.meta.url });
