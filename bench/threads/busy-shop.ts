import { ProcessApplication, System } from 'kahn';
import { Order, type OrderEvent } from '../../examples/shop/order.ts';
import { Payment, type PaymentEvent } from '../../examples/shop/payment.ts';
import { Reservation, type ReservationEvent } from '../../examples/shop/reservation.ts';
import { burn } from './burn.ts';

// The applications of examples/shop with policies that use CPU time for every event that they handle, four times per
// order: twice in Orders and once in each of the others.

export class BusyOrders extends ProcessApplication<OrderEvent, ReservationEvent | PaymentEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;

  override readonly policy = this.when({
    'Reservation.Created': async (event, repository) => {
      burn();
      const order = await repository.get(Order, event.data.orderId);
      order.reserve(event.originatorId);
    },
    'Payment.Created': async (event, repository) => {
      burn();
      const order = await repository.get(Order, event.data.orderId);
      order.pay(event.originatorId);
    },
  });

  async place(customer: string): Promise<string> {
    const order = Order.place(customer);
    await this.save(order);
    return order.id;
  }
}

export class BusyReservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = ['Reservation.Created'] as const;

  override readonly policy = this.when({
    'Order.Created': (event, repository) => {
      burn();
      return Reservation.for(event.originatorId, repository.deriveId());
    },
  });
}

export class BusyPayments extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = ['Payment.Created'] as const;

  override readonly policy = this.when({
    'Order.Reserved': (event, repository) => {
      burn();
      return Payment.for(event.originatorId, repository.deriveId());
    },
  });
}

export const busyShop = System.of(
  [
    [BusyOrders, BusyReservations, BusyOrders],
    [BusyOrders, BusyPayments, BusyOrders],
  ],
  { module: import.meta.url },
);
