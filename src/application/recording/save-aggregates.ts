import { type Aggregate, aggregateInternals, type PendingEvent } from '../../domain/aggregate.ts';
import { sealPersonal } from '../personal/seal-personal.ts';
import type { CommitQueue } from './commit-queue.ts';
import { explainedConflict } from './create-conflict.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';
import type { CommandProvenance, Saved } from './save-options.ts';

/** A save that is recorded. */
export interface RecordedSave {
  readonly saved: Saved;
  /** Settles when what follows from the events is processed; undefined if the save does not wait for that. */
  readonly followed: Promise<void> | undefined;
}

/**
 * Records the pending events of aggregates, all or nothing, in the order in which they were triggered. Events of a save
 * that fails become pending again.
 */
export async function saveAggregates(
  aggregates: readonly Aggregate[],
  provenance: CommandProvenance,
  store: EventStore,
  queue: CommitQueue,
): Promise<RecordedSave> {
  const distinct = aggregates.length > 1 ? [...new Set(aggregates)] : aggregates;
  const { applicationName, pipelineId } = store;
  const { correlationId } = provenance;
  let taken: readonly (readonly PendingEvent[])[] = [];
  let prepared: PreparedEvents | undefined;
  for (let tries = 1; prepared === undefined; tries += 1) {
    // Events of an earlier save come first: they are recorded before, or pending again if that save fails.
    while (distinct.some(aggregateInternals.saving))
      await Promise.allSettled(distinct.map(aggregateInternals.saving));
    taken = distinct.map(aggregateInternals.pending);
    const pending = taken.length > 1 ? taken.flat().sort((a, b) => a.order - b.order) : (taken[0] ?? []);
    if (pending.length === 0) {
      const saved = { applicationName, pipelineId, notificationId: 0, count: 0, correlationId };
      return { saved, followed: undefined };
    }
    store.assertSavable(pending);
    try {
      prepared = store.prepare(pending, distinct, () => provenance);
    } catch (error) {
      await sealPersonal(store.mapper, error, { pending, tries });
    }
  }
  for (const aggregate of distinct) aggregateInternals.takePending(aggregate);
  const saving = queue.submit(prepared);
  for (const aggregate of distinct) aggregateInternals.setSaving(aggregate, saving);
  try {
    await saving;
    settle(prepared, distinct, taken);
  } catch (error) {
    settle(prepared, distinct, taken); // before the next save of an aggregate, which waits for the same promise
    throw await explainedConflict(error, distinct, store);
  }
  const { notificationId = 0, logged, followed } = prepared;
  const saved = { applicationName, pipelineId, notificationId, count: logged.length, correlationId };
  return { saved, followed };
}

/** Ends the save of aggregates. Their events become pending again if they are not recorded. */
function settle(
  { notificationId }: PreparedEvents,
  aggregates: readonly Aggregate[],
  taken: readonly (readonly PendingEvent[])[],
): void {
  for (const [i, aggregate] of aggregates.entries()) {
    if (notificationId === undefined) aggregateInternals.putBack(aggregate, taken[i] ?? []);
    aggregateInternals.setSaving(aggregate, undefined);
  }
}
