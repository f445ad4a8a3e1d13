import { ProcessApplication } from 'kahn';
import type { ClaimEvent } from './claim.ts';
import { Payout, type PayoutEvent } from './payout.ts';

/** Pays every claim. */
export class Payouts extends ProcessApplication<PayoutEvent, ClaimEvent> {
  static readonly applicationName = 'payouts';
  static readonly emits = ['Payout.Paid'] as const;

  override readonly policy = this.when({
    'Claim.Opened': ({ originatorId, data }, repository) =>
      Payout.pay(originatorId, data.euros, repository.deriveId()),
  });
}
