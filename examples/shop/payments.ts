import { ProcessApplication } from 'kahn';
import type { OrderEvent } from './order.ts';
import { Payment, type PaymentEvent, paymentEvents } from './payment.ts';

/** Creates a payment for every reserved order. */
export class Payments extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = paymentEvents;

  override readonly policy = this.when({
    'Order.Reserved': (event, repository) => Payment.for(event.originatorId, repository.deriveId()),
  });
}
