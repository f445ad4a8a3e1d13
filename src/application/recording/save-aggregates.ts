import { type Aggregate, aggregateInternals, type PendingEvent } from '../../domain/aggregate.ts';
import { sealPersonal } from '../personal/seal-personal.ts';
import type { Commits } from './commit-queue.ts';
import { explainedConflict } from './create-conflict.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';
import type { CommandProvenance, Saved } from './save-options.ts';

/** What the first command with a key has recorded. */
export interface FirstOutcome {
  readonly saved: Saved;
  /** What it returned. */
  readonly result: unknown;
}

/** The outcome of an earlier command with the key of a save, of which nothing is recorded. */
export interface Repetition extends FirstOutcome {
  readonly key: string;
  /** Whether the events of the save are those that the first command has recorded. */
  readonly isSame: boolean;
  /** Ids of aggregates that the save was to create, and that are not recorded. */
  readonly unrecorded: ReadonlySet<string>;
}

/** Records a save together with its idempotency key. */
export interface KeyedSave {
  /** Adds the key to what is to be recorded. */
  withKey(prepared: PreparedEvents): PreparedEvents;
  /** Resolves when the events are recorded, or with the outcome of an earlier command with the key. */
  submit(prepared: PreparedEvents, queue: Commits): Promise<Repetition | undefined>;
}

/** What a save does besides recording events. */
export interface SaveExtras {
  readonly keyed?: KeyedSave | undefined;
  /** Called when the events are recorded, before the save waits for what follows from them. */
  recorded?(): void;
}

/**
 * Records the pending events of aggregates, all or nothing, in the order in which they were triggered. Events of a save
 * that fails become pending again. Those of a repetition are dropped.
 */
export async function saveAggregates(
  aggregates: readonly Aggregate[],
  provenance: CommandProvenance,
  store: EventStore,
  queue: Commits,
  { keyed, recorded }: SaveExtras = {},
): Promise<Saved> {
  const distinct = aggregates.length > 1 ? [...new Set(aggregates)] : aggregates;
  const { applicationName, pipelineId } = store;
  const { correlationId } = provenance;
  let taken: readonly (readonly PendingEvent[])[] = [];
  let unkeyed: PreparedEvents | undefined;
  for (let tries = 1; unkeyed === undefined; tries += 1) {
    // Events of an earlier save come first: they are recorded before, or pending again if that save fails.
    while (distinct.some(aggregateInternals.saving))
      await Promise.allSettled(distinct.map(aggregateInternals.saving));
    taken = distinct.map(aggregateInternals.pending);
    const pending = taken.length > 1 ? taken.flat().sort((a, b) => a.order - b.order) : (taken[0] ?? []);
    if (pending.length === 0 || distinct.length > 1) distinct.forEach(aggregateInternals.assertUsable);
    if (pending.length === 0 && keyed === undefined)
      return { applicationName, pipelineId, notificationId: 0, count: 0, correlationId };
    store.assertSavable(pending);
    try {
      unkeyed = store.prepare(pending, distinct, () => provenance);
    } catch (error) {
      await sealPersonal(store.mapper, error, { pending, tries });
    }
  }
  const prepared = keyed === undefined ? unkeyed : keyed.withKey(unkeyed);
  for (const aggregate of distinct) aggregateInternals.takePending(aggregate);
  const saving = keyed === undefined ? queue.submit(prepared) : keyed.submit(prepared, queue);
  for (const aggregate of distinct) aggregateInternals.setSaving(aggregate, saving);
  let first: Repetition | undefined;
  try {
    first = (await saving) as Repetition | undefined;
    if (first === undefined) settle(prepared, distinct, taken);
    else endRepetition(first, distinct, taken);
  } catch (error) {
    settle(prepared, distinct, taken); // before the next save of an aggregate, which waits for the same promise
    throw await explainedConflict(error, distinct, store);
  }
  recorded?.();
  const followed = first === undefined ? prepared.followed : queue.followAgain(first.saved);
  if (followed !== undefined) await followed;
  if (first !== undefined) return first.saved;
  const { notificationId = 0, logged } = prepared;
  return { applicationName, pipelineId, notificationId, count: logged.length, correlationId };
}

/** Ends the save of aggregates that repeats an earlier one. */
function endRepetition(
  { key, isSame, unrecorded }: Repetition,
  aggregates: readonly Aggregate[],
  taken: readonly (readonly PendingEvent[])[],
): void {
  for (const [i, aggregate] of aggregates.entries()) {
    aggregateInternals.setSaving(aggregate, undefined);
    const isCurrent = isSame || taken[i]?.length === 0;
    if (!isCurrent) aggregateInternals.refuseRepeated(aggregate, key, !unrecorded.has(aggregate.id));
  }
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
