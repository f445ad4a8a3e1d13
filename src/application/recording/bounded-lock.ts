import { clearTimeout, setTimeout } from 'node:timers';
import { type RowsError, rowsEnded, rowsError } from '../../storage/errors.ts';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';

/** Longest time for which a follower makes other writers of its application wait, in ms. */
const longestMs = 3_000;

/** The application whose lock is taken, such as an event store. */
export interface LockOwner {
  readonly applicationName: string;
  readonly recorder: Recorder;
}

/** The write lock of an application, for a limited time. */
export class BoundedLock implements Pick<Recorder, 'record'> {
  readonly #applicationName: string;
  readonly #recorder: Recorder;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  #lock: WriteLock | undefined;
  #hasExcluded = false;
  #hasRows = false;
  #isExpired = false;

  private constructor(
    { recorder, applicationName }: LockOwner,
    lock: WriteLock,
    signal: AbortSignal | undefined,
  ) {
    this.#applicationName = applicationName;
    this.#recorder = recorder;
    this.#lock = lock;
    this.#signal = signal;
    this.#timer = setTimeout(this.#expire, longestMs);
    signal?.addEventListener('abort', this.#expire);
  }

  /**
   * Takes the write lock; returns undefined if the storage has none.
   *
   * @param signal Releases the lock when it is aborted.
   */
  static async take(owner: LockOwner, signal?: AbortSignal): Promise<BoundedLock | undefined> {
    signal?.throwIfAborted();
    const lock = await owner.recorder.lock?.();
    if (lock === undefined) return undefined;
    const bounded = new BoundedLock(owner, lock, signal);
    if (signal?.aborted) await bounded.release();
    signal?.throwIfAborted();
    return bounded;
  }

  /** Whether a call of `record` was made in time: no other writer has recorded since the lock was taken. */
  get hasExcluded(): boolean {
    return this.#hasExcluded;
  }

  /**
   * Handle by which rows are written that `record` records.
   *
   * @throws {@link RowsError} ROWS_TIMED_OUT after the time limit, ROWS_ENDED after `record`.
   */
  get handle(): unknown {
    if (this.#lock === undefined) throw this.#isExpired ? this.#timedOut() : rowsEnded(this.#applicationName);
    this.#hasRows = true;
    return this.#lock.handle;
  }

  /**
   * Records under the lock, which releases it. After the time limit, records like any other caller, unless rows may have
   * been written: they are lost, so that nothing is recorded.
   *
   * @throws {@link RowsError} ROWS_TIMED_OUT if rows are lost.
   */
  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const lock = this.#take();
    if (lock === undefined && this.#hasRows) throw this.#timedOut();
    this.#hasExcluded = lock !== undefined;
    return (lock ?? this.#recorder).record(pipelineId, processEvents);
  }

  /** Releases the lock if it is still held. */
  async release(): Promise<void> {
    await this.#take()?.release();
  }

  readonly #expire = (): void => {
    this.#isExpired = true;
    const released = this.#take()?.release(this.#timedOut());
    released?.catch(() => {}); // the storage releases the lock of a connection that has ended
  };

  #timedOut(): RowsError {
    return rowsError(
      'ROWS_TIMED_OUT',
      this.#applicationName,
      `the batch took longer than ${longestMs} ms after its first call of context.rows(), or its runner was closed, so that ` +
        'its transaction was rolled back and nothing of it is recorded. Do slow work before that call, or lower batchSize',
    );
  }

  #take(): WriteLock | undefined {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#expire);
    const lock = this.#lock;
    this.#lock = undefined;
    return lock;
  }
}
