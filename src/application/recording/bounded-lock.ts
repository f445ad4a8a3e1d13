import { clearTimeout, setTimeout } from 'node:timers';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';

/** Longest time for which a follower makes other writers of its application wait, in ms. */
const longestMs = 3_000;

/** The write lock of an application, for a limited time. */
export class BoundedLock implements Pick<Recorder, 'record'> {
  readonly #recorder: Recorder;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  #lock: WriteLock | undefined;
  #hasExcluded = false;

  private constructor(recorder: Recorder, lock: WriteLock, signal: AbortSignal | undefined) {
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
  static async take(recorder: Recorder, signal: AbortSignal | undefined): Promise<BoundedLock | undefined> {
    signal?.throwIfAborted();
    const lock = await recorder.lock?.();
    if (lock === undefined) return undefined;
    const bounded = new BoundedLock(recorder, lock, signal);
    if (signal?.aborted) await bounded.release();
    signal?.throwIfAborted();
    return bounded;
  }

  /** Whether a call of `record` was made in time: no other writer has recorded since the lock was taken. */
  get hasExcluded(): boolean {
    return this.#hasExcluded;
  }

  /** Records under the lock, which releases it. After the time limit, records like any other caller. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const lock = this.#take();
    this.#hasExcluded = lock !== undefined;
    return (lock ?? this.#recorder).record(pipelineId, processEvents);
  }

  /** Releases the lock if it is still held. */
  async release(): Promise<void> {
    await this.#take()?.release();
  }

  readonly #expire = (): void => {
    this.release().catch(() => {}); // the storage releases the lock of a connection that has ended
  };

  #take(): WriteLock | undefined {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#expire);
    const lock = this.#lock;
    this.#lock = undefined;
    return lock;
  }
}
