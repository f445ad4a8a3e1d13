import { isMainThread } from 'node:worker_threads';
import { Aggregate, type DomainEvent, ProcessApplication, System } from 'kahn';

type OrderEvent =
  | DomainEvent<'Order.Placed', { customer: string }>
  | DomainEvent<'Order.Reserved', { reservation: string }>;
type ReservationEvent = DomainEvent<'Reservation.Made', { orderId: string; madeIn: string }>;

export class Order extends Aggregate<OrderEvent> {
  reservation: string | undefined;

  reserve(reservation: string): void {
    this.trigger('Order.Reserved', { reservation });
  }

  protected override apply(event: OrderEvent): void {
    if (event.type === 'Order.Reserved') this.reservation = event.data.reservation;
  }
}

class Reservation extends Aggregate<ReservationEvent> {}

export class Orders extends ProcessApplication<OrderEvent, ReservationEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed', 'Order.Reserved'] as const;
  override readonly policy = this.when({
    'Reservation.Made': async (event, repository) =>
      (await repository.get(Order, event.data.orderId)).reserve(event.data.madeIn),
  });

  async place(customer: string): Promise<string> {
    const order = Order.create('Order.Placed', { customer });
    await this.save(order);
    return order.id;
  }
}

class Reservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = ['Reservation.Made'] as const;
  override readonly policy = this.when({
    'Order.Placed': ({ originatorId: orderId }, repository) => {
      const madeIn = process.send ? 'a process' : isMainThread ? 'the main thread' : 'a worker thread';
      return Reservation.create('Reservation.Made', { orderId, madeIn }, repository.deriveId());
    },
  });
}

export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'shop' });
