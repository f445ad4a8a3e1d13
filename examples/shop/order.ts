import { Aggregate, defineEvents, type EventsOf, event } from 'kahn';

export const orderEvents = defineEvents({
  'Order.Created': event<{ customer: string }>(),
  'Order.Reserved': event<{ reservationId: string }>(),
  'Order.Paid': event<{ paymentId: string }>(),
});
export type OrderEvent = EventsOf<typeof orderEvents>;

/** A customer's order; done when it is reserved and paid. */
export class Order extends Aggregate<OrderEvent> {
  customer = '';
  reservationId: string | undefined;
  paymentId: string | undefined;

  static place(customer: string): Order {
    return Order.create('Order.Created', { customer });
  }

  get done(): boolean {
    return this.reservationId !== undefined && this.paymentId !== undefined;
  }

  reserve(reservationId: string): void {
    this.trigger('Order.Reserved', { reservationId });
  }

  pay(paymentId: string): void {
    this.trigger('Order.Paid', { paymentId });
  }

  protected override apply(event: OrderEvent): void {
    switch (event.type) {
      case 'Order.Created':
        this.customer = event.data.customer;
        break;
      case 'Order.Reserved':
        this.reservationId = event.data.reservationId;
        break;
      case 'Order.Paid':
        this.paymentId = event.data.paymentId;
    }
  }
}
