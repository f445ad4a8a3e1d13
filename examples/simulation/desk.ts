import { ProcessApplication } from 'kahn';
import type { ClaimEvent } from '../flights/claim.ts';
import { PlannedPayout, type PlannedPayoutEvent } from './payout.ts';

/** Plans a payout for every claim. Unlike in examples/flights, a clerk pays it later. */
export class Desk extends ProcessApplication<PlannedPayoutEvent, ClaimEvent> {
  static readonly applicationName = 'desk';
  static readonly emits = ['Payout.Planned', 'Payout.Paid'] as const;

  override readonly policy = this.when({
    'Claim.Opened': ({ originatorId, data }, repository) =>
      PlannedPayout.plan(originatorId, data.euros, repository.deriveId()),
  });

  async pay(ids: readonly string[]): Promise<void> {
    const payouts = await Promise.all(ids.map((id) => this.repository.get(PlannedPayout, id)));
    for (const payout of payouts) payout.pay();
    await this.save(...payouts);
  }
}
