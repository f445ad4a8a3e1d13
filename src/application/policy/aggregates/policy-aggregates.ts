import type { Aggregate, AggregateClass } from '../../../domain/aggregate.ts';
import { aggregateInternals, type PendingEvent } from '../../../domain/aggregate.ts';
import type { DomainEvent } from '../../../domain/event.ts';
import type { PolicyCall } from '../current-policy.ts';

/** The aggregates of an application that a handler can get, and to which it adds new ones. */
export interface PolicyAggregates {
  /** Finds an aggregate, also if it is discarded. Returns no promise if nothing must be loaded. */
  find<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): A | undefined | Promise<A | undefined>;
  /** Lets a handler change an aggregate until the end of the handler. */
  lend(aggregate: Aggregate): void;
  /** Adds an aggregate that a handler returned. Throws {@link InvalidPolicyError} if its id is in use. */
  add(aggregate: Aggregate): void;
  /** Whether the events of an aggregate are going to be recorded. */
  has(aggregate: Aggregate): boolean;
  /** Undoes the events of an attempt that failed: all that were triggered after a rank. */
  undo(attempt: PolicyCall, after: number): Promise<void>;
  /** Ends a handler. Throws {@link InvalidPolicyError} if it changed two views of one aggregate. */
  settle(): void;
  /** Takes back what was lent to a handler, also if the handler failed. */
  release(): void;
  /** Returns the events that were triggered after a rank, in order, by the handlers that ended since the last call. */
  takeTriggered(after: number): readonly DomainEvent[];
}

/** Throws {@link InvalidPolicyError} for an event that was triggered while an attempt ran, but not inside of it. */
export function assertInside(
  attempt: PolicyCall,
  { event, triggeredIn }: PendingEvent,
  view: Aggregate,
): void {
  if (attempt.includes(triggeredIn)) return;
  throw attempt.failWith(
    `The policy of '${attempt.applicationName}' triggered '${event.type}' on ${view.constructor.name} '${view.id}' while ` +
      'an attempt was running, but not inside of it, and the attempt failed: await the attempt first.',
  );
}

/** Whether all events of an aggregate are pending. */
export function isUnrecorded(aggregate: Aggregate): boolean {
  return aggregate.version === aggregateInternals.pending(aggregate).length;
}

/** Applies events that a view has not seen, and makes its own of them pending again. */
export function restoreEvents(
  view: Aggregate,
  events: readonly PendingEvent[],
  own: readonly PendingEvent[],
): void {
  for (const { event } of events) {
    if (event.originatorVersion > view.version) aggregateInternals.replay(view, event);
  }
  aggregateInternals.putBack(view, own);
}

/** Returns the pending events of some aggregates that were triggered after a rank, in the order of their triggers. */
export function triggeredAfter(rank: number, aggregates: Iterable<Aggregate>): readonly DomainEvent[] {
  const triggered: PendingEvent[] = [];
  for (const aggregate of aggregates) {
    const pending = aggregateInternals.pending(aggregate);
    for (let i = pending.length - 1; i >= 0; i -= 1) {
      const one = pending[i] as PendingEvent;
      if (one.order <= rank) break;
      triggered.push(one);
    }
  }
  return triggered.sort((a, b) => a.order - b.order).map(({ event }) => event);
}
