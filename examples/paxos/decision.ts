import { Aggregate } from 'kahn';
import { type Ballot, compareBallots } from './ballot.ts';
import type { Accepted, DecisionEvent, Promised, Proposal } from './messages.ts';

/**
 * The decision on a key, as one participant sees it. The key is the id. The participant proposes a value, votes on the
 * proposals of all, and learns which value is chosen.
 */
export class Decision extends Aggregate<DecisionEvent> {
  /** The value on which a majority has agreed. It never changes. */
  chosen: string | undefined;

  // Acceptor: no vote is cast in a ballot before the promised one.
  promised: Ballot | undefined;
  vote: Proposal | undefined;

  // Proposer: its last ballot, with the value that it wants.
  wanted: Proposal | undefined;
  hasProposed = false;
  promises: Promised[] = [];

  // Learner: all votes that are known.
  votes: Accepted[] = [];

  /** Begins a ballot after all ballots that are known, unless a value is chosen. */
  prepare(participant: string, value: string): void {
    if (this.chosen !== undefined) return;
    const ballot = { round: (this.promised?.round ?? 0) + 1, participant };
    this.trigger('Decision.Prepared', { ballot, value });
    this.promise(ballot, participant);
  }

  /** Promises to vote in no earlier ballot, unless a later one is promised. */
  promise(ballot: Ballot, participant: string): void {
    if (this.promised !== undefined && compareBallots(ballot, this.promised) <= 0) return;
    this.trigger('Decision.Promised', { participant, ballot, ...(this.vote && { vote: this.vote }) });
  }

  /**
   * Counts a promise. A majority is asked for its votes: on the value of the latest vote among the promises, because that
   * value may be chosen already, or else on the wanted value.
   */
  countPromise(promised: Promised, majority: number): void {
    if (this.chosen !== undefined || this.wanted === undefined || this.hasProposed) return;
    const { ballot, value } = this.wanted;
    if (!isSame(promised.ballot, ballot)) return;
    if (this.promises.some(({ participant }) => participant === promised.participant)) return;
    this.trigger('Decision.PromiseReceived', promised);
    if (this.promises.length < majority) return;
    const proposal = { ballot, value: latestVote(this.promises)?.value ?? value };
    this.trigger('Decision.Proposed', proposal);
    this.accept(proposal, ballot.participant, majority);
  }

  /** Votes for a proposal, once, unless a later ballot is promised. */
  accept({ ballot, value }: Proposal, participant: string, majority: number): void {
    if (this.promised !== undefined && compareBallots(ballot, this.promised) < 0) return;
    if (this.vote !== undefined && isSame(this.vote.ballot, ballot)) return;
    this.trigger('Decision.Accepted', { participant, ballot, value });
    this.#learn(ballot, majority);
  }

  /** Counts the vote of another participant, once. */
  countVote(vote: Accepted, majority: number): void {
    if (this.chosen !== undefined || this.votes.some((known) => isSameVote(known, vote))) return;
    this.trigger('Decision.VoteReceived', vote);
    this.#learn(vote.ballot, majority);
  }

  /** Notes the value of a ballot in which a majority has voted. */
  #learn(ballot: Ballot, majority: number): void {
    const votes = this.votes.filter((vote) => isSame(vote.ballot, ballot));
    const [first] = votes;
    if (this.chosen !== undefined || first === undefined || votes.length < majority) return;
    this.trigger('Decision.Chosen', { value: first.value });
  }

  protected override apply({ type, data }: DecisionEvent): void {
    switch (type) {
      case 'Decision.Prepared':
        this.wanted = data;
        this.hasProposed = false;
        this.promises = [];
        break;
      case 'Decision.Promised':
        this.promised = data.ballot;
        if (data.participant === data.ballot.participant) this.promises.push(data);
        break;
      case 'Decision.PromiseReceived':
        this.promises.push(data);
        break;
      case 'Decision.Proposed':
        this.hasProposed = true;
        break;
      case 'Decision.Accepted':
        this.promised = data.ballot;
        this.vote = { ballot: data.ballot, value: data.value };
        this.votes.push(data);
        break;
      case 'Decision.VoteReceived':
        this.votes.push(data);
        break;
      case 'Decision.Chosen':
        this.chosen = data.value;
    }
  }
}

function isSame(one: Ballot, other: Ballot): boolean {
  return compareBallots(one, other) === 0;
}

function isSameVote(one: Accepted, other: Accepted): boolean {
  return one.participant === other.participant && isSame(one.ballot, other.ballot);
}

function latestVote(promises: readonly Promised[]): Proposal | undefined {
  return promises
    .flatMap(({ vote }) => vote ?? [])
    .sort((one, other) => compareBallots(one.ballot, other.ballot))
    .at(-1);
}
