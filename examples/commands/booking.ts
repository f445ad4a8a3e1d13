import { Aggregate, type DomainEvent } from 'kahn';

export type BookingEvent =
  | DomainEvent<'Booking.Made', { transferId: string }>
  | DomainEvent<'Booking.Refused', { transferId: string; reason: string }>;

/** The answer to a transfer. */
export class Booking extends Aggregate<BookingEvent> {
  static make(id: string, transferId: string): Booking {
    return Booking.create('Booking.Made', { transferId }, id);
  }

  static refuse(id: string, transferId: string, reason: string): Booking {
    return Booking.create('Booking.Refused', { transferId, reason }, id);
  }
}
