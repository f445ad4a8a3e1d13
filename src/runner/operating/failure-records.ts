import type { ControlLog } from '../../application/control/control-log.ts';
import { recordOperation } from '../../application/control/record-operation.ts';
import type { LockOwner } from '../../application/recording/bounded-lock.ts';
import { messageOf } from '../../util/errors.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { retryTransient } from '../retry-transient.ts';

/** An application that has failed. */
export interface FailedApplication extends LockOwner {
  readonly error: unknown;
  /** Id of its last operation that was read before. */
  readonly operationId: number;
}

/** Longest text of a reason. */
const longestReason = 1_000;
/** Longest time for which a closing runner waits for a record, in ms. */
const longestMs = 1_000;

/** Puts failures on record, so that an application can be resumed on any host, whichever host it failed on. */
export class FailureRecords {
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  /** Records that an application has failed, unless that is on record, or the application was resumed since. */
  note({ applicationName, recorder, error, operationId }: FailedApplication): void {
    const { signal } = this.#closing;
    const reason = messageOf(error).slice(0, longestReason);
    const mayRecord = (control: ControlLog) => !control.hasFailed && !control.isResumedSince(operationId);
    const request = { kind: 'failed', by: applicationName, reason, mayRecord, signal } as const;
    const record = () => recordOperation({ applicationName, recorder }, request);
    const recording = retryTransient(record, signal)
      .catch(() => {}) // the runner on which it failed knows of the failure in any case
      .finally(() => this.#pending.delete(recording));
    this.#pending.add(recording);
  }

  /** Ends all records. Resolves when none uses the storage, or after a second. */
  async close(): Promise<void> {
    const ended = resolvesWithin(Promise.all(this.#pending), longestMs);
    if (!(await ended)) this.#closing.abort();
  }
}
