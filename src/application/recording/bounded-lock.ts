import { clearTimeout, setTimeout } from 'node:timers';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';

/** Longest time for which a follower makes other writers of its application wait, in ms. */
const longestMs = 3_000;

/** The write lock of an application, for a limited time. */
export class BoundedLock implements Pick<Recorder, 'record'> {
  readonly #recorder: Recorder;
  readonly #timer: NodeJS.Timeout;
  #lock: WriteLock | undefined;
  #hasExcluded = false;

  private constructor(recorder: Recorder, lock: WriteLock) {
    this.#recorder = recorder;
    this.#lock = lock;
    this.#timer = setTimeout(() => this.release().catch(() => {}), longestMs);
  }

  /** Takes the write lock; returns undefined if the storage has none. */
  static async take(recorder: Recorder): Promise<BoundedLock | undefined> {
    const lock = await recorder.lock?.();
    return lock && new BoundedLock(recorder, lock);
  }

  /** Whether a call of `record` was made in time: no other writer has recorded since the lock was taken. */
  get hasExcluded(): boolean {
    return this.#hasExcluded;
  }

  /** Records under the lock, which releases it. After the time limit, records like any other caller. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const lock = this.#lock;
    this.#lock = undefined;
    clearTimeout(this.#timer);
    this.#hasExcluded = lock !== undefined;
    return (lock ?? this.#recorder).record(pipelineId, processEvents);
  }

  /** Releases the lock if it is still held. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }
}
