import { type PolicyRepository, ProcessApplication, type Saved } from 'kahn';
import { Decision } from './decision.ts';
import { type DecisionEvent, decisionEvents } from './messages.ts';

/** A participant of Paxos: proposer, acceptor and learner. It follows all others, and they follow it. */
export abstract class Participant extends ProcessApplication<
  DecisionEvent,
  DecisionEvent,
  { resources: { majority: number } }
> {
  static readonly emits = decisionEvents;

  override readonly policy = this.when({
    'Decision.Prepared': async ({ originatorId: key, data }, repository) => {
      const decision = await decisionOn(key, repository);
      decision.promise(data.ballot, this.applicationName);
      return decision;
    },
    'Decision.Promised': async ({ originatorId: key, data }, repository, { resources }) => {
      if (data.ballot.participant !== this.applicationName) return;
      const decision = await repository.get(Decision, key);
      decision.countPromise(data, resources.majority);
    },
    'Decision.Proposed': async ({ originatorId: key, data }, repository, { resources }) => {
      const decision = await decisionOn(key, repository);
      decision.accept(data, this.applicationName, resources.majority);
      return decision;
    },
    'Decision.Accepted': async ({ originatorId: key, data }, repository, { resources }) => {
      const decision = await decisionOn(key, repository);
      decision.countVote(data, resources.majority);
      return decision;
    },
  });

  /** Proposes a value for a key. All participants learn one value for it: this one, or that of a rival. */
  propose(key: string, value: string): Promise<Saved> {
    return this.update(Decision, key, (decision) => decision.prepare(this.applicationName, value), {
      create: () => new Decision(key),
    });
  }

  /** Resolves with the value that is chosen for a key, or with undefined if this participant has not learned one. */
  async chosen(key: string): Promise<string | undefined> {
    if (!(await this.repository.has(Decision, key))) return undefined;
    return (await this.repository.get(Decision, key)).chosen;
  }
}

async function decisionOn(key: string, repository: PolicyRepository<DecisionEvent>): Promise<Decision> {
  return (await repository.has(Decision, key)) ? repository.get(Decision, key) : new Decision(key);
}
