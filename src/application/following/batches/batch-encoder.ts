import { StorageError } from '../../../storage/errors.ts';
import type { StoredNotification } from '../../../storage/stored-event.ts';
import { type Batch, unparkedIn } from '../../parking/parked-changes.ts';
import { NotSealedError } from '../../personal/not-sealed-error.ts';
import { sealPersonal } from '../../personal/seal-personal.ts';
import { type PolicyChanges, type PolicySetup, policyError } from '../../policy/policy-batch.ts';
import type { PreparedEvents } from '../../recording/event-store.ts';
import type { UpstreamCursor } from '../upstream-cursor.ts';

type RecordedChanges = Pick<PolicyChanges, 'pending' | 'provenances' | 'aggregates'>;
const noChanges: RecordedChanges = { pending: [], provenances: [], aggregates: [] };

/** Encodes what a policy has changed in a batch, together with the position behind the batch. */
export class BatchEncoder {
  readonly #setup: PolicySetup;
  readonly #cursor: UpstreamCursor;

  constructor(setup: PolicySetup, cursor: UpstreamCursor) {
    this.#setup = setup;
    this.#cursor = cursor;
  }

  /** Encodes the position behind the last notification that is done. */
  encodePosition(): PreparedEvents {
    return this.#encode(noChanges);
  }

  /**
   * Encodes the changes. Changes that cannot be recorded count as a failure of the policy. Returns no promise if there is no
   * new personal data to seal.
   */
  encode(
    changes: PolicyChanges,
    last: StoredNotification,
    batch: Batch,
    tries: number = 1,
  ): PreparedEvents | Promise<PreparedEvents> {
    const [notification] = unparkedIn(batch);
    const failure = (error: unknown) =>
      notification === undefined ? error : policyError(this.#setup, notification, error);
    try {
      return this.#encode(changes, last, batch.retried !== undefined);
    } catch (error) {
      if (!(error instanceof NotSealedError)) throw failure(error);
      const { pending } = changes;
      return sealPersonal(this.#setup.store.mapper, error, { pending, isEffect: true, tries }).then(
        () => this.encode(changes, last, batch, tries + 1),
        (reason) => Promise.reject(reason instanceof StorageError ? reason : failure(reason)),
      );
    }
  }

  #encode(
    { pending, provenances, aggregates }: RecordedChanges,
    last?: StoredNotification,
    isRetried = false,
  ): PreparedEvents {
    const provenanceOf = (index: number) => provenances[index] ?? {};
    const tracking = isRetried ? undefined : this.#cursor.trackingTo(last);
    return this.#setup.store.prepare(pending, aggregates, provenanceOf, tracking);
  }
}
