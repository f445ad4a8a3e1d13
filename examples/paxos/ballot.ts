/** Number of a ballot. Participants never share one: ballots are ordered by round, then by the name of who holds them. */
export interface Ballot {
  readonly round: number;
  readonly participant: string;
}

/** Returns a number below, equal to or above 0, as the first ballot is before, the same as or after the second one. */
export function compareBallots(one: Ballot, other: Ballot): number {
  if (one.round !== other.round) return one.round - other.round;
  if (one.participant === other.participant) return 0;
  return one.participant < other.participant ? -1 : 1;
}
