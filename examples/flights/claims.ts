import { ProcessApplication } from 'kahn';
import { Claim, type ClaimEvent } from './claim.ts';
import { compensationFor } from './compensation.ts';
import type { FlightEvent } from './flight.ts';
import type { PayoutEvent } from './payout.ts';

/** Opens a claim for every flight that arrived too late, and closes it when it is paid. */
export class Claims extends ProcessApplication<ClaimEvent, FlightEvent | PayoutEvent> {
  static readonly applicationName = 'claims';
  static readonly emits = ['Claim.Opened', 'Claim.Closed'] as const;

  override readonly policy = this.when({
    'Flight.Arrived': ({ originatorId, data }, repository) => {
      const euros = compensationFor(data.delayMinutes, data.distanceKm);
      return euros && Claim.open(originatorId, euros, repository.deriveId());
    },
    'Payout.Paid': async ({ originatorId, data }, repository) => {
      const claim = await repository.get(Claim, data.claimId);
      claim.close(originatorId);
    },
  });
}
