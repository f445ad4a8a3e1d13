import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

/** The shop with a policy that throws for orders of mallory. */
class BrokenReservations extends Reservations {
  override readonly policy = this.when({
    'Order.Created': (event, repository) => {
      if (event.data.customer === 'mallory') throw new RangeError('nothing for mallory');
      return Reservation.for(event.originatorId, repository.deriveId());
    },
  });
}

export const brokenShop = System.of(
  [
    [Orders, BrokenReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url },
);
