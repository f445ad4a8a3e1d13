import { ProcessApplication } from 'kahn';
import type { OrderEvent } from './order.ts';
import { Reservation, type ReservationEvent, reservationEvents } from './reservation.ts';

/** Reserves the goods of every order. */
export class Reservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = reservationEvents;

  override readonly policy = this.when({
    'Order.Created': (event, repository) => Reservation.for(event.originatorId, repository.deriveId()),
  });
}
