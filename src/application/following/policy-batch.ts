import {
  Aggregate,
  type AggregateClass,
  aggregateInternals,
  type PendingEvent,
} from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { causedId, isId } from '../../util/ids.ts';
import { AggregateNotFoundError, InvalidPolicyError, PolicyError } from '../errors.ts';
import { assertAsked } from '../recording/aggregate-loader.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { CachedHistory } from '../recording/history-cache.ts';
import { newAggregates, type Policy, type PolicyHandler, type PolicyRepository } from './policy.ts';

interface Step {
  readonly notification: StoredNotification;
  readonly event: DomainEvent;
  readonly handler: PolicyHandler<DomainEvent, DomainEvent>;
}

/**
 * Runs a policy on several notifications of one upstream, in order: each sees what the earlier ones did. An
 * aggregate that is not there yet is loaded together with those that the following events of the same type
 * name in the same place, so that a batch costs a read or two and not one for each event.
 */
export class PolicyBatch implements PolicyRepository {
  readonly #store: EventStore;
  readonly #upstreamName: string;
  readonly #policy: Policy;
  /** Those got or made. */
  readonly #aggregates = new Map<string, Aggregate>();
  /** What was loaded, also for those that nobody has got yet. */
  readonly #histories = new Map<string, CachedHistory>();
  #policyMs = 0;
  #steps: readonly Step[] = [];
  #current = 0;
  #derived = 0;
  #ended = false;

  constructor(store: EventStore, upstreamName: string, policy: Policy) {
    this.#store = store;
    this.#upstreamName = upstreamName;
    this.#policy = policy;
  }

  /** The aggregates that were got or made. */
  get aggregates(): readonly Aggregate[] {
    return [...this.#aggregates.values()];
  }

  /** How many notifications the policy has handled. */
  get handled(): number {
    return this.#current;
  }

  /** The first notification that it would have handled, had there been time; those before it are done. */
  get next(): StoredNotification | undefined {
    return this.#steps[this.#current]?.notification;
  }

  /** How long the policy took, without what it waited for the storage, in milliseconds. */
  get policyMs(): number {
    return this.#policyMs;
  }

  /**
   * Runs the policy, until it has taken longer than `longestMs` milliseconds, and collects the events in the order in
   * which they were triggered. Throws {@link PolicyError}.
   */
  async run(
    notifications: readonly StoredNotification[],
    decode: Decode,
    longestMs: number,
  ): Promise<readonly PendingEvent[]> {
    this.#steps = this.#stepsOf(notifications, decode);
    let since = performance.now();
    try {
      for (const step of this.#steps) {
        await this.#apply(step);
        this.#current += 1;
        const now = performance.now();
        this.#policyMs += now - since;
        since = now;
        if (this.#policyMs > longestMs) break;
      }
    } finally {
      this.#ended = true;
      for (const aggregate of this.aggregates) aggregateInternals.release(aggregate);
    }
    const pending: PendingEvent[] = [];
    for (const aggregate of this.aggregates) {
      for (const one of aggregateInternals.pending(aggregate)) pending.push(one);
    }
    return pending.sort((a, b) => a.order - b.order);
  }

  async get<A extends Aggregate>(kind: AggregateClass<A>, id: string): Promise<A> {
    const found = this.#find(kind, id);
    const aggregate = found instanceof Promise ? await found : found;
    if (aggregate !== undefined) return aggregate;
    throw new AggregateNotFoundError(this.#store.applicationName, kind.name, id);
  }

  async has<A extends Aggregate>(kind: AggregateClass<A>, id: string): Promise<boolean> {
    return (await this.#find(kind, id)) !== undefined;
  }

  deriveId(): string {
    const { event } = this.#step();
    this.#derived += 1;
    return causedId(event, this.#upstreamName, this.#store.applicationName, this.#derived);
  }

  /** The notifications that the policy handles, decoded; the others are ignored unread. */
  #stepsOf(notifications: readonly StoredNotification[], decode: Decode): readonly Step[] {
    const steps: Step[] = [];
    for (const notification of notifications) {
      const handler = this.#policy.handlerOf(notification.type);
      if (handler === undefined) continue;
      try {
        steps.push({ notification, event: decode(notification), handler });
      } catch (error) {
        throw policyError(this.#store, this.#upstreamName, notification, error);
      }
    }
    return steps;
  }

  async #apply({ notification, event, handler }: Step): Promise<void> {
    this.#derived = 0;
    try {
      const result = handler(event, this);
      this.#collect(isThenable(result) ? await result : result);
    } catch (error) {
      throw policyError(this.#store, this.#upstreamName, notification, error);
    }
  }

  #collect(result: unknown): void {
    if (result === undefined) return;
    if (result instanceof Aggregate) this.#add(result);
    else for (const aggregate of newAggregates(result)) this.#add(aggregate);
  }

  #add(aggregate: Aggregate): void {
    const known = this.#aggregates.get(aggregate.id);
    if (known !== undefined && known !== aggregate) {
      throw new InvalidPolicyError(
        `The policy of '${this.#store.applicationName}' made a second aggregate with the id '${aggregate.id}': ` +
          'get the first one from the repository and change that.',
      );
    }
    this.#aggregates.set(aggregate.id, aggregate);
  }

  /** At once if it is here or was loaded ahead. */
  #find<A extends Aggregate>(kind: AggregateClass<A>, id: string): A | undefined | Promise<A | undefined> {
    const step = this.#step();
    if (this.#aggregates.has(id)) return this.#known(kind, id);
    assertAsked(kind, id);
    const history = this.#histories.get(id);
    if (history === undefined) return this.#loadAhead(id, step).then(() => this.#find(kind, id));
    const built = this.#store.loader.build(kind, id, history);
    return built instanceof Promise
      ? built.then((late) => this.#keep(kind, id, late))
      : this.#keep(kind, id, built);
  }

  #keep<A extends Aggregate>(kind: AggregateClass<A>, id: string, built: A | undefined): A | undefined {
    // Another call may have built it meanwhile.
    if (built !== undefined && !this.#aggregates.has(id)) this.#aggregates.set(id, built);
    return this.#known(kind, id);
  }

  #known<A extends Aggregate>(kind: AggregateClass<A>, id: string): A | undefined {
    this.#step();
    const aggregate = this.#aggregates.get(id);
    if (!(aggregate instanceof kind) || aggregateInternals.isDiscarded(aggregate)) return undefined;
    return aggregate;
  }

  async #loadAhead(id: string, step: Step): Promise<void> {
    const ids = [id, ...this.#alsoNamed(id, step)];
    const since = performance.now();
    const histories = await this.#store.loader.histories(ids);
    this.#policyMs -= performance.now() - since;
    for (const [i, history] of histories.entries()) this.#histories.set(ids[i] ?? id, history);
  }

  /** The ids that the following events of this type name where this event names `id`. */
  #alsoNamed(id: string, step: Step): Set<string> {
    const read = readerOf(step.event, id);
    const ids = new Set<string>();
    if (read === undefined) return ids;
    for (let i = this.#current + 1; i < this.#steps.length; i++) {
      const event = this.#steps[i]?.event;
      if (event?.type !== step.event.type) continue;
      const named = read(event);
      if (isId(named) && named !== id && !this.#histories.has(named)) ids.add(named);
    }
    return ids;
  }

  #step(): Step {
    const step = this.#steps[this.#current];
    if (step !== undefined && !this.#ended) return step;
    throw new InvalidPolicyError(
      `The policy of '${this.#store.applicationName}' used its repository after it had returned: ` +
        'await everything it starts.',
    );
  }
}

function isThenable(result: unknown): boolean {
  return typeof (result as PromiseLike<unknown> | undefined)?.then === 'function';
}

type Decode = (stored: StoredNotification) => DomainEvent;

/** Says on which notification the policy of `store`'s application failed. */
export function policyError(
  store: EventStore,
  upstreamName: string,
  notification: StoredNotification,
  cause: unknown,
): PolicyError {
  const { applicationName, pipelineId } = store;
  const { id: notificationId, type: eventType, originatorId } = notification;
  return new PolicyError(
    { applicationName, upstreamName, pipelineId, notificationId, eventType, originatorId },
    cause,
  );
}

function readerOf(event: DomainEvent, id: string): ((other: DomainEvent) => unknown) | undefined {
  if (event.originatorId === id) return (other) => other.originatorId;
  if (typeof event.data !== 'object' || event.data === null) return undefined;
  const key = Object.entries(event.data).find(([, value]) => value === id)?.[0];
  return key === undefined ? undefined : (other) => (other.data as Record<string, unknown> | null)?.[key];
}
