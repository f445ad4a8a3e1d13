import { Aggregate, defineEvents, type EventsOf, event } from 'kahn';

export const reservationEvents = defineEvents({
  'Reservation.Created': event<{ orderId: string }>(),
});
export type ReservationEvent = EventsOf<typeof reservationEvents>;

/** Goods reserved for an order. */
export class Reservation extends Aggregate<ReservationEvent> {
  static for(orderId: string, id: string): Reservation {
    return Reservation.create('Reservation.Created', { orderId }, id);
  }
}
