import { Aggregate, ProcessApplication } from 'kahn';
import type { InvoiceEvent, OrderEvent } from './events.ts';

export class Order extends Aggregate<OrderEvent> {
  static place(customer: string) {
    return Order.create('Order.Placed', { customer });
  }

  invoice(invoiceId: string) {
    this.trigger('Order.Invoiced', { invoiceId });
  }
}

/** The orders of the shop. Follows the invoices of the office. */
export class Orders extends ProcessApplication<OrderEvent, InvoiceEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed', 'Order.Invoiced'] as const;

  override readonly policy = this.when({
    'Invoice.Written': async ({ originatorId: invoiceId, data }, repository) => {
      const order = await repository.get(Order, data.orderId);
      order.invoice(invoiceId);
    },
  });
}
