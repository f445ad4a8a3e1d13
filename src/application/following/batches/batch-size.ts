import { integer } from '../../../util/option-rules.ts';
import type { OptionRule } from '../../../util/options.ts';

/** Largest number of notifications that a follower processes in one transaction. */
export const batchSizeRule: OptionRule<number, number> = integer({ least: 1 }, 500);

/** Time in the policy that every batch may take, in ms. */
const shortestMs = 20;
/** Longest time in the policy relative to the time in the storage. Both times grow alike on a busy processor. */
const share = 4;

/**
 * Number of notifications that share a transaction. Followers of an application wait until its batch is recorded, so
 * slow policies get smaller batches, but not so small that most of the time is spent on reading and recording.
 */
export class AdaptiveBatchSize {
  readonly #batchSize: number;
  #limit: number;
  #longestMs = shortestMs;

  /** @param batchSize Largest number of notifications in a batch. */
  constructor(batchSize: number) {
    this.#batchSize = batchSize;
    this.#limit = batchSize;
  }

  /** Number of notifications to read for the next batch. */
  get limit(): number {
    return this.#limit;
  }

  /** Longest time to run the policy before its changes are recorded, in ms. */
  get longestMs(): number {
    return this.#longestMs;
  }

  /** Adapts to a batch of `count` notifications, its time in the policy and the rest of its time, both in ms. */
  learn(count: number, policyMs: number, otherMs: number): void {
    const longestMs = Math.max(shortestMs, share * otherMs);
    this.#longestMs = longestMs;
    if (policyMs > longestMs) this.#limit = Math.max(1, Math.floor((count * longestMs) / policyMs));
    else if (count >= this.#limit && policyMs < longestMs / 2)
      this.#limit = Math.min(this.#batchSize, this.#limit * 2);
  }
}
