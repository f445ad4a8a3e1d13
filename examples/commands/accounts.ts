import { AggregateNotFoundError, ProcessApplication } from 'kahn';
import { Account, type AccountEvent, Refusal } from './account.ts';
import { Booking, type BookingEvent } from './booking.ts';
import type { TransferEvent } from './transfer.ts';

/** Handles transfers: both accounts and the answer are recorded together, or the refusal alone. */
export class Accounts extends ProcessApplication<AccountEvent | BookingEvent, TransferEvent> {
  static readonly applicationName = 'accounts';
  static readonly emits = ['Account.Opened', 'Account.Changed', 'Booking.Made', 'Booking.Refused'] as const;

  override readonly policy = this.when({
    'Transfer.Issued': async ({ originatorId: transferId, data }, repository) => {
      const bookingId = repository.deriveId();
      try {
        return await repository.attempt(async () => {
          (await repository.get(Account, data.from)).change(-data.amount);
          (await repository.get(Account, data.to)).change(data.amount);
          return Booking.make(bookingId, transferId);
        });
      } catch (error) {
        const isRefused = error instanceof Refusal || error instanceof AggregateNotFoundError;
        if (!isRefused) throw error;
        return Booking.refuse(bookingId, transferId, error.message);
      }
    },
  });
}
