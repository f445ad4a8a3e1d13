import { Aggregate, type DomainEvent } from 'kahn';

export type PayoutEvent = DomainEvent<'Payout.Paid', { claimId: string; euros: number }>;

/** The payment of a claim. */
export class Payout extends Aggregate<PayoutEvent> {
  euros = 0;

  static pay(claimId: string, euros: number, id: string): Payout {
    return Payout.create('Payout.Paid', { claimId, euros }, id);
  }

  protected override apply(event: PayoutEvent): void {
    this.euros = event.data.euros;
  }
}
