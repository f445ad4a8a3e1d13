import { Aggregate, type DomainEvent } from 'kahn';

export type ReservationEvent = DomainEvent<'Reservation.Created', { orderId: string }>;

/** Goods reserved for an order. */
export class Reservation extends Aggregate<ReservationEvent> {
  static for(orderId: string, id: string): Reservation {
    return Reservation.create('Reservation.Created', { orderId }, id);
  }
}
