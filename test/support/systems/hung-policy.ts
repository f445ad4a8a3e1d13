import { ProcessApplication, System } from 'kahn';
import type { OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';

/** Has a policy that never ends. */
class Invoices extends ProcessApplication<never, OrderEvent> {
  static readonly applicationName = 'invoices';
  static readonly emits = [] as const;
  override readonly policy = this.when({ 'Order.Created': () => new Promise<void>(() => {}) });
}

/** Orders, followed by an application whose policy never ends. */
export const hungInvoices = System.of([[Orders, Invoices]], { module: import.meta.url });
