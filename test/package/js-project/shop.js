import { isMainThread } from 'node:worker_threads';
import { Aggregate, ProcessApplication, System } from 'kahn';

export class Order extends Aggregate {
  reserve(reservation) {
    this.trigger('Order.Reserved', { reservation });
  }

  apply(event) {
    if (event.type === 'Order.Reserved') this.reservation = event.data.reservation;
  }
}

class Reservation extends Aggregate {}

export class Orders extends ProcessApplication {
  static applicationName = 'orders';
  static emits = ['Order.Placed', 'Order.Reserved'];
  policy = this.when({
    'Reservation.Made': async (event, repository) =>
      (await repository.get(Order, event.data.orderId)).reserve(event.data.madeIn),
  });

  async place(customer) {
    const order = Order.create('Order.Placed', { customer });
    await this.save(order);
    return order.id;
  }
}

class Reservations extends ProcessApplication {
  static applicationName = 'reservations';
  static emits = ['Reservation.Made'];
  policy = this.when({
    'Order.Placed': ({ originatorId: orderId }, repository) => {
      const madeIn = process.send ? 'a process' : isMainThread ? 'the main thread' : 'a worker thread';
      return Reservation.create('Reservation.Made', { orderId, madeIn }, repository.deriveId());
    },
  });
}

export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'shop' });
