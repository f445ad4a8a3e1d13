import { defineEvents, type EventsOf, event } from 'kahn';
import type { Ballot } from './ballot.ts';

/** What a participant asks for in a ballot, and what it votes for. */
export interface Proposal {
  readonly ballot: Ballot;
  readonly value: string;
}

/** Phase 1b: the participant votes in no earlier ballot any more. Tells the proposer its last vote, if it has one. */
export interface Promised {
  readonly participant: string;
  readonly ballot: Ballot;
  readonly vote?: Proposal;
}

/** Phase 2b: the participant has accepted the proposal. */
export interface Accepted extends Proposal {
  readonly participant: string;
}

/** Messages are events: participants send them by recording them, and receive them by following each other. */
export const decisionEvents = defineEvents({
  /** Phase 1a: asks all for promises. The value is proposed if no earlier vote prevents that. */
  'Decision.Prepared': event<Proposal>(),
  'Decision.Promised': event<Promised>(),
  /** Phase 2a: asks all for votes. */
  'Decision.Proposed': event<Proposal>(),
  'Decision.Accepted': event<Accepted>(),
  'Decision.Chosen': event<{ value: string }>(),
  // What a participant has received from others. It concerns the participant alone, so it stays outside of the log.
  'Decision.PromiseReceived': event<Promised>({ notifiable: false }),
  'Decision.VoteReceived': event<Accepted>({ notifiable: false }),
});
export type DecisionEvent = EventsOf<typeof decisionEvents>;
