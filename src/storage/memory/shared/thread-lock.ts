import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { Mutex } from '../../../util/mutex.ts';

/** Longest wait that blocks the thread, in ms. Other threads hold the lock for microseconds. */
const blockMs = 20;
/** Delay between later attempts, in ms. They do not block the thread. */
const pollMs = 5;
/** Longest wait in total, in ms. */
const timeoutMs = 5_000;

const free = 0;
const own = threadId + 1;

/**
 * A lock that one thread at a time holds during a synchronous function. A word of shared memory names its owner, so
 * that the lock of a dead thread can be released.
 */
export class ThreadLock {
  readonly #word: Int32Array<SharedArrayBuffer>;
  readonly #queue = new Mutex();
  #queued = 0;

  constructor(word: Int32Array<SharedArrayBuffer>) {
    this.#word = word;
  }

  /**
   * Runs the work while this thread holds the lock, in the order of the calls: at once if the lock is free within a
   * few ms. Throws or rejects with `timedOut()` if the lock is not free in time.
   */
  run<T>(work: () => T, timedOut: () => Error): T | Promise<T> {
    // A thread that blocks for longer would not receive the message that the owner has died.
    if (this.#queued === 0 && this.#acquire(blockMs)) return this.#finish(work);
    return this.#runLater(work, timedOut);
  }

  /** Releases the lock if a thread held it when it ended. */
  releaseFrom(endedThreadId: number): void {
    const owner = endedThreadId + 1;
    if (Atomics.compareExchange(this.#word, 0, owner, free) === owner) Atomics.notify(this.#word, 0);
  }

  async #runLater<T>(work: () => T, timedOut: () => Error): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    this.#queued += 1;
    try {
      return await this.#queue.run(async () => {
        while (!this.#acquire(0)) {
          if (performance.now() >= deadline) throw timedOut();
          await sleep(pollMs);
        }
        return this.#finish(work);
      });
    } finally {
      this.#queued -= 1;
    }
  }

  #acquire(timeoutMs: number): boolean {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const owner = Atomics.compareExchange(this.#word, 0, free, own);
      if (owner === free) return true;
      const restMs = deadline - performance.now();
      if (restMs <= 0) return false;
      Atomics.wait(this.#word, 0, owner, restMs);
    }
  }

  #finish<T>(work: () => T): T {
    try {
      return work();
    } finally {
      Atomics.store(this.#word, 0, free);
      Atomics.notify(this.#word, 0, 1);
    }
  }
}
