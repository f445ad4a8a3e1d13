import { type Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import { AggregateDiscardedError } from '../../domain/errors.ts';
import { RecordConflictError } from '../../storage/errors.ts';
import type { EventStore } from './event-store.ts';

/**
 * Returns {@link AggregateDiscardedError} in place of a conflict if an aggregate cannot be created because an earlier one
 * with its id is discarded, and the error itself otherwise.
 *
 * @param aggregates Aggregates that were to be recorded.
 */
export async function explainedConflict(
  error: unknown,
  aggregates: readonly Aggregate[],
  store: EventStore,
): Promise<unknown> {
  if (!(error instanceof RecordConflictError) || error.attemptedVersion !== 1) return error;
  const sameId = aggregates.filter(({ id }) => id === error.originatorId);
  const discarded = (await discardedAmong(sameId, store)) ?? endedIn(sameId);
  if (discarded === undefined) return error;
  const { name } = discarded.constructor;
  return AggregateDiscardedError.ofCreate(
    store.applicationName,
    name,
    discarded.id,
    discarded.version,
    error,
  );
}

/** Loads the aggregate as each of the classes; undefined if it is not discarded, or cannot be loaded. */
async function discardedAmong(
  aggregates: readonly Aggregate[],
  { loader }: EventStore,
): Promise<Aggregate | undefined> {
  for (const aggregate of aggregates) {
    try {
      const recorded = await loader.load(aggregate.constructor as AggregateClass<Aggregate>, aggregate.id);
      if (recorded !== undefined && aggregateInternals.isDiscarded(recorded)) return recorded;
    } catch {
      // The conflict is the error to report.
    }
  }
  return undefined;
}

/** Finds an aggregate that the same save discards and creates again. */
function endedIn(aggregates: readonly Aggregate[]): Aggregate | undefined {
  return aggregates.length > 1 ? aggregates.find(aggregateInternals.isDiscarded) : undefined;
}
