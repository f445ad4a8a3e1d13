import { integer } from '../../util/option-rules.ts';
import type { OptionRule } from '../../util/options.ts';

/** Most notifications that a follower processes in one transaction. */
export const batchSizeRule: OptionRule<number, number> = integer({ least: 1 }, 500);

const shortestMs = 20;
/** How many times as long a batch may be in the policy as in the storage: where processors are few, all takes longer. */
const share = 4;

/**
 * How many notifications share a transaction. Nobody sees what comes of a batch before it is recorded, so those who
 * follow have nothing to do meanwhile: where policies take their time, batches are smaller, but not so small that
 * reading and recording them would be most of the work.
 */
export class AdaptiveBatchSize {
  readonly #batchSize: number;
  #limit: number;
  #longestMs = shortestMs;

  /** `batchSize` is the most there ever are. */
  constructor(batchSize: number) {
    this.#batchSize = batchSize;
    this.#limit = batchSize;
  }

  /** How many to read. */
  get limit(): number {
    return this.#limit;
  }

  /** For how long to run the policy, in milliseconds, before what it has done is recorded. */
  get longestMs(): number {
    return this.#longestMs;
  }

  /** Learns from a batch: how long it was in the policy, and how long all else took, in milliseconds. */
  learn(count: number, policyMs: number, otherMs: number): void {
    const longestMs = Math.max(shortestMs, share * otherMs);
    this.#longestMs = longestMs;
    if (policyMs > longestMs) this.#limit = Math.max(1, Math.floor((count * longestMs) / policyMs));
    else if (count >= this.#limit && policyMs < longestMs / 2)
      this.#limit = Math.min(this.#batchSize, this.#limit * 2);
  }
}
