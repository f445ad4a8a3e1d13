import { ProcessApplication } from 'kahn';
import { Order, type OrderEvent, orderEvents } from './order.ts';
import type { PaymentEvent } from './payment.ts';
import type { ReservationEvent } from './reservation.ts';

/** Accepts orders, and records when they are reserved and paid. */
export class Orders extends ProcessApplication<OrderEvent, ReservationEvent | PaymentEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = orderEvents;

  override readonly policy = this.when({
    'Reservation.Created': async (event, repository) => {
      const order = await repository.get(Order, event.data.orderId);
      order.reserve(event.originatorId);
    },
    'Payment.Created': async (event, repository) => {
      const order = await repository.get(Order, event.data.orderId);
      order.pay(event.originatorId);
    },
  });

  async place(customer: string): Promise<string> {
    const order = Order.place(customer);
    await this.save(order);
    return order.id;
  }

  get(id: string): Promise<Order> {
    return this.repository.get(Order, id);
  }
}
