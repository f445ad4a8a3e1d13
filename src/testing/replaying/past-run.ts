import { PolicyError } from '../../application/following-errors.ts';
import { NotSealedError } from '../../application/personal/not-sealed-error.ts';
import { type PolicySetup, runPolicy } from '../../application/policy/policy-batch.ts';
import { BatchContext } from '../../application/policy/policy-context.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { unloggedTypes } from '../../domain/events/unlogged-types.ts';
import { StorageError } from '../../storage/errors.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import type { Moment, PastRecorder } from './past-storage.ts';

/** What a policy makes of a notification, or the error by which it fails. */
export type PastOutcome =
  | { readonly events: readonly DomainEvent[]; readonly error?: undefined }
  | { readonly events?: undefined; readonly error: unknown };

/** A policy that is run in the past, and records nothing. */
export interface PastPolicy {
  readonly setup: PolicySetup;
  readonly recorder: PastRecorder;
  readonly emits: readonly string[];
  readonly resources: object;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a policy on one notification, with the aggregates as they were at a moment. Events without a place in the log are left
 * out.
 *
 * @throws {@link StorageError} if the storage fails.
 */
export async function runInPast(
  { setup, recorder, emits, resources, signal }: PastPolicy,
  notification: StoredNotification,
  moment: Moment,
): Promise<PastOutcome> {
  const { applicationName } = setup.store;
  const context = new BatchContext({ applicationName, resources, sideEffects: false, signal });
  recorder.moment = moment;
  try {
    const { pending, aggregates } = await runPolicy(setup, [notification], Infinity, context);
    assertRecordable(setup, pending, aggregates);
    const unlogged = unloggedTypes(emits);
    return { events: pending.map(({ event }) => event).filter(({ type }) => !unlogged?.has(type)) };
  } catch (error) {
    const cause = isInstance(error, PolicyError) ? error.cause : error;
    if (isInstance(cause, StorageError)) throw error;
    signal?.throwIfAborted();
    return { error: cause };
  } finally {
    recorder.moment = undefined;
  }
}

/** Throws what a recording would throw for the content of events. */
function assertRecordable(
  { store }: PolicySetup,
  ...[pending, aggregates]: Parameters<typeof store.prepare> extends [
    infer Pending,
    infer Aggregates,
    ...unknown[],
  ]
    ? [Pending, Aggregates]
    : never
): void {
  try {
    store.prepare(pending, aggregates, () => ({}));
  } catch (error) {
    if (!isInstance(error, NotSealedError)) throw error; // a recording would encrypt the personal data first
  }
}
