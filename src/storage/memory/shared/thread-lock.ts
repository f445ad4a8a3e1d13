import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { Mutex } from '../../../util/mutex.ts';

/** For how long the thread may stand still: others hold the lock for microseconds. */
const blockMs = 20;
/** How often it is tried after that, while the thread does other things. */
const pollMs = 5;
/** When it is given up. */
const timeoutMs = 5_000;

const free = 0;
const own = threadId + 1;

/**
 * A lock that one thread at a time holds while it runs to the end of a function. A word of shared memory has
 * its owner, so that it can be taken from a thread that has died.
 */
export class ThreadLock {
  readonly #word: Int32Array<SharedArrayBuffer>;
  readonly #queue = new Mutex();
  #queued = 0;

  constructor(word: Int32Array<SharedArrayBuffer>) {
    this.#word = word;
  }

  /**
   * Runs the work alone, in the order in which this thread asks: at once if nobody holds the lock for longer
   * than a moment. Throws or rejects with `busy()` if it is not to be had in time.
   */
  run<T>(work: () => T, busy: () => Error): T | Promise<T> {
    // A thread that stood still until the owner is done would never hear that the owner has died.
    if (this.#queued === 0 && this.#acquire(blockMs)) return this.#finish(work);
    return this.#runLater(work, busy);
  }

  /** Takes the lock from a thread that has ended, if it had it. */
  releaseFrom(endedThreadId: number): void {
    const owner = endedThreadId + 1;
    if (Atomics.compareExchange(this.#word, 0, owner, free) === owner) Atomics.notify(this.#word, 0);
  }

  async #runLater<T>(work: () => T, busy: () => Error): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    this.#queued += 1;
    try {
      return await this.#queue.run(async () => {
        while (!this.#acquire(0)) {
          if (performance.now() >= deadline) throw busy();
          await sleep(pollMs);
        }
        return this.#finish(work);
      });
    } finally {
      this.#queued -= 1;
    }
  }

  #acquire(patienceMs: number): boolean {
    const deadline = performance.now() + patienceMs;
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
