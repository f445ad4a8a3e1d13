import { type Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import { type ReadEvent, SplitEvent } from '../../domain/events/split-event.ts';
import { AggregateLoadError } from './errors.ts';

/** Applies an event to an aggregate that does not trigger it. Throws {@link AggregateLoadError} if `apply` fails. */
export function replay(applicationName: string, aggregate: Aggregate, event: ReadEvent): void {
  try {
    if (event instanceof SplitEvent)
      aggregateInternals.replayParts(aggregate, event.originatorVersion, event.parts);
    else aggregateInternals.replay(aggregate, event);
  } catch (cause) {
    const { name: className } = aggregate.constructor;
    const place = { applicationName, className, originatorId: aggregate.id };
    throw new AggregateLoadError(place, 'apply()', event, cause);
  }
}
