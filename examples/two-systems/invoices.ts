import { Aggregate, ProcessApplication } from 'kahn';
import type { InvoiceEvent, OrderEvent } from './events.ts';

class Invoice extends Aggregate<InvoiceEvent> {}

/** The invoices of the office. Follows the orders of the shop. */
export class Invoices extends ProcessApplication<InvoiceEvent, OrderEvent> {
  static readonly applicationName = 'invoices';
  static readonly emits = ['Invoice.Written'] as const;

  override readonly policy = this.when({
    'Order.Placed': ({ originatorId: orderId, data: { customer } }, repository) =>
      Invoice.create('Invoice.Written', { orderId, customer }, repository.deriveId()),
  });
}
