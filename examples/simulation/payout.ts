import { Aggregate, type DomainEvent } from 'kahn';
import type { PayoutEvent } from '../flights/payout.ts';

export type PlannedPayoutEvent =
  | DomainEvent<'Payout.Planned', { claimId: string; euros: number }>
  | PayoutEvent;

/** The payment of a claim, which is planned first and paid later. */
export class PlannedPayout extends Aggregate<PlannedPayoutEvent> {
  claimId = '';
  euros = 0;
  paid = false;

  static plan(claimId: string, euros: number, id: string): PlannedPayout {
    return PlannedPayout.create('Payout.Planned', { claimId, euros }, id);
  }

  pay(): void {
    this.trigger('Payout.Paid', { claimId: this.claimId, euros: this.euros });
  }

  protected override apply(event: PlannedPayoutEvent): void {
    switch (event.type) {
      case 'Payout.Planned':
        this.claimId = event.data.claimId;
        this.euros = event.data.euros;
        break;
      case 'Payout.Paid':
        this.paid = true;
    }
  }
}
