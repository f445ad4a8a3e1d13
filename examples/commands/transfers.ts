import { ProcessApplication } from 'kahn';
import type { BookingEvent } from './booking.ts';
import { Transfer, type TransferEvent } from './transfer.ts';

/** Keeps the transfers that were issued, and notes their outcomes. */
export class Transfers extends ProcessApplication<TransferEvent, BookingEvent> {
  static readonly applicationName = 'transfers';
  static readonly emits = ['Transfer.Issued', 'Transfer.Done', 'Transfer.Refused'] as const;

  override readonly policy = this.when({
    'Booking.Made': async ({ originatorId, data }, repository) => {
      (await repository.get(Transfer, data.transferId)).done(originatorId);
    },
    'Booking.Refused': async ({ data }, repository) => {
      (await repository.get(Transfer, data.transferId)).refuse(data.reason);
    },
  });
}
