// The version before: its orders cannot be cancelled, and its ledger ignores payments.
import { Application, ProcessApplication, System } from 'kahn';
import { type EntryEvent, entryBy, type OrderEvent } from './orders.ts';

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Made', 'Order.Paid'] as const;
}

export class Ledger extends ProcessApplication<EntryEvent, OrderEvent> {
  static readonly applicationName = 'ledger';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({ 'Order.Made': entryBy('before') });
}

export const system = System.of([[Orders, Ledger]], { module: import.meta.url });
