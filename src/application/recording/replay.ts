import { type Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { AggregateLoadError } from './errors.ts';

/** Applies an event to an aggregate that does not trigger it. Throws {@link AggregateLoadError} if `apply` fails. */
export function replay(applicationName: string, aggregate: Aggregate, event: DomainEvent): void {
  try {
    aggregateInternals.replay(aggregate, event);
  } catch (cause) {
    const { name: className } = aggregate.constructor;
    const place = { applicationName, className, originatorId: aggregate.id };
    throw new AggregateLoadError(place, 'apply()', event, cause);
  }
}
