import { Aggregate, defineEvents, type EventsOf, event } from 'kahn';

export const paymentEvents = defineEvents({
  'Payment.Created': event<{ orderId: string }>(),
});
export type PaymentEvent = EventsOf<typeof paymentEvents>;

/** The payment of an order. */
export class Payment extends Aggregate<PaymentEvent> {
  static for(orderId: string, id: string): Payment {
    return Payment.create('Payment.Created', { orderId }, id);
  }
}
