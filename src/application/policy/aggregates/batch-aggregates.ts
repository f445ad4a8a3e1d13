import { performance } from 'node:perf_hooks';
import {
  type Aggregate,
  type AggregateClass,
  aggregateInternals,
  type PendingEvent,
} from '../../../domain/aggregate.ts';
import { AggregateDiscardedError } from '../../../domain/errors.ts';
import type { DomainEvent } from '../../../domain/event.ts';
import { InvalidPolicyError } from '../../errors.ts';
import { assertClassAndId } from '../../recording/aggregate-loader.ts';
import type { EventStore } from '../../recording/event-store.ts';
import type { CachedHistory } from '../../recording/history-cache.ts';
import type { PolicyCall } from '../current-policy.ts';
import { AggregateViews, type UndoneView } from './aggregate-views.ts';
import { idsNamedNext } from './look-ahead.ts';
import {
  assertInside,
  isUnrecorded,
  type PolicyAggregates,
  restoreEvents,
  triggeredAfter,
} from './policy-aggregates.ts';

/**
 * Aggregates of a policy for one batch of events: each handler sees the changes of the earlier ones. An aggregate is
 * loaded together with the aggregates that later events of the batch name, so that a batch costs one or two reads
 * instead of one for each event.
 */
export class BatchAggregates implements PolicyAggregates {
  readonly #store: EventStore;
  readonly #steps: readonly { readonly event: DomainEvent }[];
  /** Aggregates by id, including aggregates that are loaded ahead. */
  readonly #byId = new Map<string, AggregateViews>();
  /** Views that the current handler may change. */
  readonly #lent: Aggregate[] = [];
  /** Ids of the aggregates that handlers could change since {@link takeTriggered}; undefined unless it is used. */
  readonly #lentIds: Set<string> | undefined;
  /** Aggregates of which the current handler has got a second view, if any. */
  #split: Set<AggregateViews> | undefined;
  /** Rank of the last event that was triggered before each step, by step. */
  readonly #ranksBefore: number[] = [];
  #current = 0;
  #loadMs = 0;
  #loadedLength = 0;

  /** @param notesTriggered Whether {@link takeTriggered} is used. */
  constructor(
    store: EventStore,
    steps: readonly { readonly event: DomainEvent }[],
    notesTriggered: boolean = false,
  ) {
    this.#store = store;
    this.#steps = steps;
    if (notesTriggered) this.#lentIds = new Set();
  }

  /** Aggregates that a handler got or made: of each the newest view, which has all of its pending events. */
  get all(): readonly Aggregate[] {
    const all: Aggregate[] = [];
    for (const { newest } of this.#byId.values()) if (newest !== undefined) all.push(newest);
    return all;
  }

  /** Pending events of all aggregates, in the order in which they were triggered. */
  get pending(): readonly PendingEvent[] {
    const pending: PendingEvent[] = [];
    for (const { newest } of this.#byId.values()) {
      if (newest !== undefined) for (const one of aggregateInternals.pending(newest)) pending.push(one);
    }
    return pending.length > 1 ? pending.sort((a, b) => a.order - b.order) : pending;
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

  /** Characters of the texts of all histories that were loaded. */
  get loadedLength(): number {
    return this.#loadedLength;
  }

  /** Begins a step: later calls come from its handler. */
  begin(step: number): void {
    this.#current = step;
    this.#ranksBefore[step] = aggregateInternals.lastOrder();
  }

  find<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): A | undefined | Promise<A | undefined> {
    const views = this.#byId.get(id);
    const view = views?.viewAs(aggregateClass);
    if (views !== undefined && view !== undefined) return this.#updated(views, view);
    assertClassAndId(aggregateClass, id);
    if (views === undefined) return this.#loadAndFind(aggregateClass, id);
    const built = this.#build(aggregateClass, id, views);
    return built instanceof Promise
      ? built.then((late) => this.#keep(aggregateClass, views, late))
      : this.#keep(aggregateClass, views, built);
  }

  lend(aggregate: Aggregate): void {
    if (!aggregateInternals.isReleased(aggregate)) return;
    aggregateInternals.setReleased(aggregate, false);
    this.#lent.push(aggregate);
  }

  add(aggregate: Aggregate): void {
    const views = this.#byId.get(aggregate.id);
    if (views === undefined) this.#byId.set(aggregate.id, this.#newViews(aggregate));
    else if (views.isEmpty) views.add(aggregate);
    else if (!views.has(aggregate)) throw usedIdError(this.#store.applicationName, aggregate, views.newest);
    else return;
    this.#lent.push(aggregate);
  }

  has(aggregate: Aggregate): boolean {
    return this.#byId.get(aggregate.id)?.has(aggregate) === true;
  }

  async undo(attempt: PolicyCall, after: number): Promise<void> {
    const tried = new Set(attempt.changed);
    for (const aggregate of tried) this.#adopt(attempt, aggregate, after);
    const undone = new Map<string, readonly UndoneView[]>();
    for (const id of new Set(this.#lent.map(({ id }) => id))) {
      const lost = this.#byId.get(id)?.undo(attempt, after, tried);
      if (lost !== undefined && lost.length > 0) undone.set(id, lost);
    }
    for (const [id, lost] of undone) await this.#rebuild(id, lost);
  }

  settle(): void {
    if (this.#split === undefined) return;
    for (const views of this.#split) views.settle();
    this.#split = undefined;
  }

  release(): void {
    for (let lent = this.#lent.pop(); lent !== undefined; lent = this.#lent.pop()) {
      aggregateInternals.setReleased(lent, true);
      this.#lentIds?.add(lent.id);
    }
  }

  takeTriggered(after: number): readonly DomainEvent[] {
    const changed: Aggregate[] = [];
    for (const id of this.#lentIds ?? []) {
      const newest = this.#byId.get(id)?.newest;
      if (newest !== undefined) changed.push(newest);
    }
    this.#lentIds?.clear();
    return triggeredAfter(after, changed);
  }

  #newViews(aggregate: Aggregate): AggregateViews {
    const views = new AggregateViews(this.#store.applicationName);
    views.add(aggregate);
    return views;
  }

  #updated<A extends Aggregate>(views: AggregateViews, view: A): A {
    if (views.isSplit) {
      views.update(view);
      this.#noteSplit(views);
    }
    return view;
  }

  /** Builds a view with the recorded events. */
  #build<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    views: AggregateViews,
  ): A | Promise<A> {
    if (views.isNew) return new aggregateClass(id);
    const { history } = views;
    if (history !== undefined) return this.#store.loader.build(aggregateClass, id, history);
    return this.#load(id).then(() => this.#build(aggregateClass, id, views));
  }

  #keep<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    views: AggregateViews,
    built: A,
  ): A | undefined {
    // A concurrent call may have built the view meanwhile.
    const view = views.viewAs(aggregateClass) ?? built;
    views.update(view);
    if (view.version === 0) return undefined;
    if (view === built) this.#addView(views, built);
    return view;
  }

  #addView(views: AggregateViews, view: Aggregate): void {
    aggregateInternals.setReleased(view, true);
    if (!views.isEmpty) this.#noteSplit(views);
    views.add(view);
  }

  #noteSplit(views: AggregateViews): void {
    this.#split ??= new Set();
    this.#split.add(views);
  }

  async #loadAndFind<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): Promise<A | undefined> {
    await this.#load(id);
    return this.find(aggregateClass, id);
  }

  #load(id: string): Promise<void> {
    const ids = [id];
    for (const next of idsNamedNext(id, this.#steps, this.#current)) {
      if (!this.#byId.has(next)) ids.push(next);
    }
    const started = performance.now();
    return this.#store.loader.histories(ids).then((histories) => {
      this.#loadMs += performance.now() - started;
      for (let i = 0; i < histories.length; i += 1)
        this.#setHistory(ids[i] as string, histories[i] as CachedHistory);
    });
  }

  #setHistory(id: string, history: CachedHistory): void {
    this.#loadedLength += history.length;
    const views = this.#byId.get(id);
    if (views === undefined) this.#byId.set(id, new AggregateViews(this.#store.applicationName, history));
    else views.history ??= history;
  }

  /** Adds an aggregate that was made before the attempt and is not returned yet, so that it can be got again. */
  #adopt(attempt: PolicyCall, aggregate: Aggregate, after: number): void {
    if (this.has(aggregate) || aggregateInternals.isUndone(aggregate)) return;
    const pending = aggregateInternals.pending(aggregate);
    for (const one of pending) if (one.order > after) assertInside(attempt, one, aggregate);
    const isOlder = pending.some(({ order }) => order <= after);
    if (!isOlder) aggregateInternals.undo(aggregate);
    else if (isUnrecorded(aggregate)) this.add(aggregate);
  }

  /** Builds the views again that have lost later events. */
  async #rebuild(id: string, lost: readonly UndoneView[]): Promise<void> {
    const views = this.#byId.get(id);
    if (views === undefined) return;
    const kept = [...views.pending, ...lost.flatMap((one) => one.kept)].sort((a, b) => a.order - b.order);
    const isNew = views.history === undefined && kept[0]?.event.originatorVersion === 1;
    for (const one of lost) {
      const view = isNew ? new one.aggregateClass(id) : await this.#build(one.aggregateClass, id, views);
      restoreEvents(view, kept, one.kept);
      this.#addView(views, view);
    }
  }
}

/** Returns the error for a new aggregate whose id another aggregate of the batch has. */
function usedIdError(applicationName: string, aggregate: Aggregate, used: Aggregate | undefined): Error {
  if (used !== undefined && aggregateInternals.isDiscarded(used)) {
    const { name } = aggregate.constructor;
    return AggregateDiscardedError.ofCreate(applicationName, name, aggregate.id, used.version);
  }
  return new InvalidPolicyError(
    `The policy of '${applicationName}' made a second aggregate with the id '${aggregate.id}': ` +
      'get the existing aggregate from the repository and change it.',
  );
}
