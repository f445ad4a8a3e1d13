import { performance } from 'node:perf_hooks';
import {
  Aggregate,
  type AggregateClass,
  aggregateInternals,
  type PendingEvent,
} from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { causedId } from '../../util/ids.ts';
import { AggregateNotFoundError, InvalidPolicyError } from '../errors.ts';
import { assertClassAndId } from '../recording/aggregate-loader.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { CachedHistory } from '../recording/history-cache.ts';
import { idsNamedNext } from './look-ahead.ts';
import { newAggregates, type PolicyRepository } from './policy.ts';

/**
 * Repository of a policy for one batch of events: each handler sees the changes of the earlier ones. An aggregate is
 * loaded together with the aggregates that later events of the batch name, so that a batch costs one or two reads
 * instead of one for each event.
 */
export class BatchRepository implements PolicyRepository {
  readonly #store: EventStore;
  readonly #upstreamName: string;
  readonly #steps: readonly { readonly event: DomainEvent }[];
  /** Aggregates that a handler got or made. */
  readonly #aggregates = new Map<string, Aggregate>();
  /** Loaded histories, including histories that no handler has requested yet. */
  readonly #histories = new Map<string, CachedHistory>();
  /** Rank of the last event that was triggered before each step, by step. */
  readonly #ranksBefore: number[] = [];
  #current = 0;
  #derived = 0;
  #hasEnded = false;
  #loadMs = 0;

  constructor(store: EventStore, upstreamName: string, steps: readonly { readonly event: DomainEvent }[]) {
    this.#store = store;
    this.#upstreamName = upstreamName;
    this.#steps = steps;
  }

  /** Aggregates that a handler got or made. */
  get aggregates(): readonly Aggregate[] {
    return [...this.#aggregates.values()];
  }

  /** Pending events of all aggregates, in the order in which they were triggered. */
  get pending(): readonly PendingEvent[] {
    const pending: PendingEvent[] = [];
    for (const aggregate of this.#aggregates.values()) {
      for (const one of aggregateInternals.pending(aggregate)) pending.push(one);
    }
    return pending.sort((a, b) => a.order - b.order);
  }

  /** Returns the step in which each of some pending events was triggered; both in ascending order. */
  stepsOf(pending: readonly PendingEvent[]): readonly number[] {
    let step = 0;
    return pending.map(({ order }) => {
      while (order > (this.#ranksBefore[step + 1] ?? Infinity)) step += 1;
      return step;
    });
  }

  /** Time spent loading aggregates, in ms. */
  get loadMs(): number {
    return this.#loadMs;
  }

  /** Begins a step: later calls come from its handler. */
  begin(step: number): void {
    this.#current = step;
    this.#ranksBefore[step] = aggregateInternals.lastOrder();
    this.#derived = 0;
  }

  /** Releases the aggregates. Later calls throw {@link InvalidPolicyError}. */
  end(): void {
    this.#hasEnded = true;
    for (const aggregate of this.#aggregates.values()) aggregateInternals.release(aggregate);
  }

  /** Adds the aggregates that a handler returned. Throws {@link InvalidPolicyError} for anything else. */
  addReturned(result: unknown): void {
    if (result === undefined) return;
    if (result instanceof Aggregate) this.#add(result);
    else for (const aggregate of newAggregates(result)) this.#add(aggregate);
  }

  async get<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<A> {
    const found = this.#find(aggregateClass, id);
    const aggregate = found instanceof Promise ? await found : found;
    if (aggregate !== undefined) return aggregate;
    throw new AggregateNotFoundError(this.#store.applicationName, aggregateClass.name, id);
  }

  async has<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean> {
    return (await this.#find(aggregateClass, id)) !== undefined;
  }

  deriveId(): string {
    const { event } = this.#step();
    this.#derived += 1;
    return causedId(event, this.#upstreamName, this.#store.applicationName, this.#derived);
  }

  #add(aggregate: Aggregate): void {
    const known = this.#aggregates.get(aggregate.id);
    if (known !== undefined && known !== aggregate) {
      throw new InvalidPolicyError(
        `The policy of '${this.#store.applicationName}' made a second aggregate with the id '${aggregate.id}': ` +
          'get the existing aggregate from the repository and change it.',
      );
    }
    this.#aggregates.set(aggregate.id, aggregate);
  }

  /** Returns no promise if the aggregate is known or its history is loaded. */
  #find<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): A | undefined | Promise<A | undefined> {
    this.#step();
    if (this.#aggregates.has(id)) return this.#known(aggregateClass, id);
    assertClassAndId(aggregateClass, id);
    const history = this.#histories.get(id);
    if (history === undefined) return this.#load(id).then(() => this.#find(aggregateClass, id));
    const built = this.#store.loader.build(aggregateClass, id, history);
    return built instanceof Promise
      ? built.then((late) => this.#keep(aggregateClass, id, late))
      : this.#keep(aggregateClass, id, built);
  }

  #keep<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    built: A | undefined,
  ): A | undefined {
    // A concurrent call may have built the aggregate meanwhile.
    if (built !== undefined && !this.#aggregates.has(id)) this.#aggregates.set(id, built);
    return this.#known(aggregateClass, id);
  }

  #known<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): A | undefined {
    this.#step();
    const aggregate = this.#aggregates.get(id);
    if (!(aggregate instanceof aggregateClass) || aggregateInternals.isDiscarded(aggregate)) return undefined;
    return aggregate;
  }

  async #load(id: string): Promise<void> {
    const ids = [id];
    for (const next of idsNamedNext(id, this.#steps, this.#current)) {
      if (!this.#histories.has(next)) ids.push(next);
    }
    const started = performance.now();
    const histories = await this.#store.loader.histories(ids);
    this.#loadMs += performance.now() - started;
    for (const [i, history] of histories.entries()) this.#histories.set(ids[i] ?? id, history);
  }

  #step(): { readonly event: DomainEvent } {
    const step = this.#steps[this.#current];
    if (step !== undefined && !this.#hasEnded) return step;
    throw new InvalidPolicyError(
      `The policy of '${this.#store.applicationName}' used its repository after it had returned: ` +
        'await everything that a handler starts.',
    );
  }
}
