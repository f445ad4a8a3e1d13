import {
  type Aggregate,
  type AggregateClass,
  aggregateInternals,
  type PendingEvent,
} from '../../../domain/aggregate.ts';
import { InvalidPolicyError } from '../../errors.ts';
import type { CachedHistory } from '../../recording/history-cache.ts';
import { replay } from '../../recording/replay.ts';
import type { PolicyCall } from '../current-policy.ts';
import { assertInside } from './policy-aggregates.ts';

/** An event that is not recorded yet, and the view on which it was triggered. */
interface Change {
  readonly view: Aggregate;
  readonly pending: PendingEvent;
}

/** A view whose later events are undone, and the pending events that it keeps. */
export interface UndoneView {
  readonly aggregateClass: AggregateClass<Aggregate>;
  readonly kept: readonly PendingEvent[];
}

/**
 * One aggregate in a batch. Each class as which handlers get the aggregate has a view: an object of its own, with the
 * recorded events and the events that were triggered on any view.
 */
export class AggregateViews {
  readonly #applicationName: string;
  /** The recorded events; undefined if they are not loaded. */
  history: CachedHistory | undefined;
  #views: Aggregate[] = [];

  constructor(applicationName: string, history?: CachedHistory) {
    this.#applicationName = applicationName;
    this.history = history;
  }

  get isEmpty(): boolean {
    return this.#views.length === 0;
  }

  /** Whether there are views as several classes. */
  get isSplit(): boolean {
    return this.#views.length > 1;
  }

  /** Whether the aggregate was made in this batch, so that there is nothing to load. */
  get isNew(): boolean {
    if (this.history !== undefined || this.isEmpty) return false;
    return this.pending[0]?.event.originatorVersion === 1;
  }

  /** The view with the newest state, if any. */
  get newest(): Aggregate | undefined {
    if (!this.isSplit) return this.#views[0];
    return this.#views.reduce((newest, view) => (view.version > newest.version ? view : newest));
  }

  /** Events that are not recorded yet, in the order of versions. */
  get pending(): readonly PendingEvent[] {
    return this.#changes().map(({ pending }) => pending);
  }

  viewAs<A extends Aggregate>(aggregateClass: AggregateClass<A>): A | undefined {
    return this.#views.find((view) => view.constructor === aggregateClass) as A | undefined;
  }

  has(aggregate: Aggregate): boolean {
    return this.#views.includes(aggregate);
  }

  add(view: Aggregate): void {
    this.#views.push(view);
  }

  /** Applies the events to a view that were triggered on other views. */
  update(view: Aggregate): void {
    if (this.isEmpty) return;
    for (const { pending } of this.#consistentChanges()) {
      if (pending.event.originatorVersion > view.version) replay(this.#applicationName, view, pending.event);
    }
  }

  /**
   * Moves all pending events to the newest view, so that the others only wait for the next handler that gets them.
   *
   * @throws {@link InvalidPolicyError} if two views were changed at the same version.
   */
  settle(): void {
    const { newest } = this;
    if (!this.isSplit || newest === undefined) return;
    const changes = this.#consistentChanges();
    for (const view of this.#views) aggregateInternals.takePending(view);
    aggregateInternals.putBack(
      newest,
      changes.map(({ pending }) => pending),
    );
  }

  /**
   * Drops the events of an attempt that failed: all that were triggered after a rank. Drops the views that have applied
   * such an event, or failed to.
   *
   * @param tried Aggregates on which the attempt triggered events.
   * @returns The dropped views that have earlier pending events, which must be built again.
   */
  undo(attempt: PolicyCall, after: number, tried: ReadonlySet<Aggregate>): readonly UndoneView[] {
    const undone = this.#changes().filter(({ pending }) => pending.order > after);
    for (const { pending, view } of undone) assertInside(attempt, pending, view);
    const first = undone[0]?.pending.event.originatorVersion ?? Infinity;
    const isStale = (view: Aggregate) => view.version >= first || tried.has(view);
    const stale = this.#views.filter(isStale);
    this.#views = this.#views.filter((view) => !stale.includes(view));
    const keptOf = (view: Aggregate) => pendingOf(view).filter(({ order }) => order <= after);
    const lost = stale.map((view) => ({ aggregateClass: classOf(view), kept: keptOf(view) }));
    for (const view of stale) aggregateInternals.undo(view);
    return lost.filter(({ kept }) => kept.length > 0);
  }

  #changes(): readonly Change[] {
    const [only, ...others] = this.#views;
    if (only === undefined) return [];
    const changesOf = (view: Aggregate) => pendingOf(view).map((pending) => ({ view, pending }));
    if (others.length === 0) return changesOf(only);
    return this.#views.flatMap(changesOf).sort((a, b) => versionOf(a) - versionOf(b));
  }

  #consistentChanges(): readonly Change[] {
    const changes = this.#changes();
    for (const [i, change] of changes.entries()) {
      const before = changes[i - 1];
      if (before === undefined || versionOf(before) !== versionOf(change)) continue;
      throw new InvalidPolicyError(
        `The policy of '${this.#applicationName}' changed ${described(before)} and ${described(change)}, two views of one ` +
          `aggregate, from the same version ${versionOf(change) - 1}. Change one of them, and then get the other one from ` +
          'the repository.',
      );
    }
    return changes;
  }
}

function versionOf({ pending }: Change): number {
  return pending.event.originatorVersion;
}

function described({ view, pending }: Change): string {
  return `${view.constructor.name} '${view.id}' ('${pending.event.type}')`;
}

function pendingOf(view: Aggregate): readonly PendingEvent[] {
  return aggregateInternals.pending(view);
}

function classOf(view: Aggregate): AggregateClass<Aggregate> {
  return view.constructor as AggregateClass<Aggregate>;
}
