import { Aggregate, type DomainEvent } from 'kahn';
import type { Compensation } from './compensation.ts';

export type ClaimEvent =
  | DomainEvent<'Claim.Opened', { flightId: string; euros: Compensation }>
  | DomainEvent<'Claim.Closed', { payoutId: string }>;

/** The compensation owed for a late flight; closed when it is paid. */
export class Claim extends Aggregate<ClaimEvent> {
  euros = 0;
  payoutId: string | undefined;

  static open(flightId: string, euros: Compensation, id: string): Claim {
    return Claim.create('Claim.Opened', { flightId, euros }, id);
  }

  get closed(): boolean {
    return this.payoutId !== undefined;
  }

  close(payoutId: string): void {
    this.trigger('Claim.Closed', { payoutId });
  }

  protected override apply(event: ClaimEvent): void {
    switch (event.type) {
      case 'Claim.Opened':
        this.euros = event.data.euros;
        break;
      case 'Claim.Closed':
        this.payoutId = event.data.payoutId;
    }
  }
}
