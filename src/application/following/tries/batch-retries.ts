import { performance } from 'node:perf_hooks';
import { backOff } from '../../../util/retry.ts';
import { type BlockingError, CausalDependencyError } from '../../following-errors.ts';
import { BoundedLock, type LockOwner } from '../../recording/bounded-lock.ts';
import type { UpstreamCursor } from '../upstream-cursor.ts';
import { backoff, type FailedTry, leftAfter } from './failed-tries.ts';
import { LostRaces } from './lost-races.ts';

/** Whether there was a batch, or why none of it may be processed yet. */
export type Found = boolean | BlockingError;

/** Number of notifications of a batch, or why none of it may be processed yet. */
export type Pulled = number | BlockingError;

export interface BatchRetriesOptions {
  readonly cursor: UpstreamCursor;
  /** Application whose write lock is taken. */
  readonly owner: LockOwner;
  /** Tries to process a batch with notifications up to `upTo`. */
  pull(upTo: number, lock: BoundedLock | undefined): Found | Promise<Found>;
  /** Called after each try that fails. */
  failed(): void;
}

/** Repeats the batches of a follower that lose a race or find their storage busy. */
export class BatchRetries {
  readonly #options: BatchRetriesOptions;
  readonly #cursor: UpstreamCursor;
  readonly #races: LostRaces;

  constructor(options: BatchRetriesOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#races = new LostRaces(options.cursor.upstreamName);
  }

  /** Whether the next try needs the write lock. */
  get needsLock(): boolean {
    return this.#races.needsLock;
  }

  /** Returns the outcome of a first try that has succeeded without a promise. */
  succeeded(found: Found, from: number): Pulled {
    this.#races.won(false);
    return this.#outcome(found, from);
  }

  /**
   * Waits for a batch, and repeats it if it fails.
   *
   * @param pulling The first try; undefined if it needs the write lock.
   * @param from Position before the first try.
   */
  async settle(
    pulling: Promise<Found> | undefined,
    from: number,
    upTo: number,
    signal: AbortSignal | undefined,
  ): Promise<Pulled> {
    const started = performance.now();
    let found: Found | undefined;
    try {
      found = await pulling;
      if (pulling !== undefined) this.#races.won(false);
    } catch (error) {
      found = this.#leftAfter({ error, tries: 1, started, lock: undefined });
      found ??= await this.#pullAgain(upTo, signal, await this.#pause(1, from));
    }
    found ??= await this.#pullAgain(upTo, signal);
    // After a failure, ignored notifications whose position was not recorded are read again.
    while (found === true && this.#cursor.seen <= from) found = await this.#pullAgain(upTo, signal);
    return this.#outcome(found, from);
  }

  #outcome(found: Found, from: number): Pulled {
    const { seen } = this.#cursor;
    // If another runner has moved the position meanwhile, the caller looks again at what waits for which cause.
    const isOutdated = found instanceof CausalDependencyError && seen > from;
    return typeof found === 'boolean' || isOutdated ? seen - from : found;
  }

  /**
   * Repeats a batch as long as this or another writer makes progress. After several lost races, makes other writers wait.
   * `retry` does not fit: the number of tries starts again with each progress.
   */
  async #pullAgain(upTo: number, signal: AbortSignal | undefined, failed = 0): Promise<Found> {
    const cursor = this.#cursor;
    for (let tries = failed + 1; ; tries += 1) {
      const { seen } = cursor;
      const started = performance.now();
      let lock: BoundedLock | undefined;
      try {
        if (this.#races.needsLock) lock = await BoundedLock.take(this.#options.owner, signal);
        if (lock !== undefined) cursor.forget(); // another runner may have moved the position
        if (!cursor.isLocated) await cursor.locate();
        const found = await this.#options.pull(upTo, lock);
        this.#races.won(lock !== undefined);
        return found;
      } catch (error) {
        const otherVersion = this.#leftAfter({ error, tries, started, lock });
        if (otherVersion !== undefined) return otherVersion;
      } finally {
        await lock?.release().catch(() => {}); // the transaction ends with its connection
      }
      tries = await this.#pause(tries, seen);
    }
  }

  /** Forgets what is read, and decides what becomes of the batch; see {@link leftAfter}. */
  #leftAfter(failed: FailedTry): BlockingError | undefined {
    this.#cursor.forget();
    this.#options.failed();
    return leftAfter(failed, this.#races);
  }

  /** Waits after a try, and returns the number of tries since the last progress. */
  async #pause(tries: number, from: number): Promise<number> {
    await backOff(tries, backoff);
    await this.#cursor.locate();
    return this.#cursor.seen > from ? 0 : tries;
  }
}
