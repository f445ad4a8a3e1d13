import { Aggregate, type DomainEvent } from 'kahn';

export type TransferEvent =
  | DomainEvent<'Transfer.Issued', { from: string; to: string; amount: number }>
  | DomainEvent<'Transfer.Done', { bookingId: string }>
  | DomainEvent<'Transfer.Refused', { reason: string }>;

/** The command to move money from one account to another, and its outcome once it is handled. */
export class Transfer extends Aggregate<TransferEvent> {
  bookingId: string | undefined;
  refusal: string | undefined;

  static issue(from: string, to: string, amount: number, id?: string): Transfer {
    return Transfer.create('Transfer.Issued', { from, to, amount }, id);
  }

  done(bookingId: string): void {
    this.trigger('Transfer.Done', { bookingId });
  }

  refuse(reason: string): void {
    this.trigger('Transfer.Refused', { reason });
  }

  protected override apply(event: TransferEvent): void {
    if (event.type === 'Transfer.Done') this.bookingId = event.data.bookingId;
    if (event.type === 'Transfer.Refused') this.refusal = event.data.reason;
  }
}
