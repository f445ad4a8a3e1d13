import { Aggregate, type DomainEvent } from 'kahn';

export type PaymentEvent = DomainEvent<'Payment.Created', { orderId: string }>;

/** The payment of an order. */
export class Payment extends Aggregate<PaymentEvent> {
  static for(orderId: string, id: string): Payment {
    return Payment.create('Payment.Created', { orderId }, id);
  }
}
