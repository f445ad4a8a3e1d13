import { InvalidPolicyError } from '../../application/errors.ts';
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
  | {
      /** Events with a place in the log. */
      readonly events: readonly DomainEvent[];
      /** Versions of the changed aggregates before their changes, by id. */
      readonly versions: ReadonlyMap<string, number>;
      readonly error?: undefined;
    }
  | { readonly events?: undefined; readonly versions?: undefined; readonly error: unknown };

/** A policy that is run in the past, and records nothing. */
export interface PastPolicy {
  readonly setup: PolicySetup;
  readonly recorder: PastRecorder;
  readonly emits: readonly string[];
  /** Whether handlers may record rows. */
  readonly hasRows: boolean;
  readonly resources: object;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a policy on one notification, with the aggregates as they were at a moment. Events without a place in the log are left
 * out. Resolves with undefined if a handler uses rows, whose past is not on record.
 *
 * @throws {@link StorageError} if the storage fails.
 */
export async function runInPast(
  { setup, recorder, emits, hasRows, resources, signal }: PastPolicy,
  notification: StoredNotification,
  moment: Moment,
): Promise<PastOutcome | undefined> {
  const { applicationName } = setup.store;
  let usesRows = false;
  const rows = () => {
    usesRows = true;
    const refused = Promise.reject(new InvalidPolicyError('Past rows are not on record.'));
    refused.catch(() => {}); // a handler may not wait for it
    return refused;
  };
  const parts = { applicationName, resources, sideEffects: false, signal, ...(hasRows && { rows }) };
  const context = new BatchContext(parts);
  recorder.moment = moment;
  try {
    const { pending, aggregates } = await runPolicy(setup, [notification], Infinity, context);
    if (usesRows) return undefined;
    assertRecordable(setup, pending, aggregates);
    const unlogged = unloggedTypes(emits);
    const made = pending.map(({ event }) => event);
    const versions = new Map(
      made.toReversed().map(({ originatorId, originatorVersion }) => [originatorId, originatorVersion - 1]),
    );
    return { events: made.filter(({ type }) => !unlogged?.has(type)), versions };
  } catch (error) {
    const cause = isInstance(error, PolicyError) ? error.cause : error;
    if (isInstance(cause, StorageError)) throw error;
    signal?.throwIfAborted();
    if (usesRows) return undefined;
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
