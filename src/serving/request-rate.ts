import { performance } from 'node:perf_hooks';

/** Counts requests against a largest number a second. */
export class RequestRate {
  readonly #perSecond: number;
  #left: number;
  #countedAt = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Counts a request. Returns false if there were too many. */
  allows(): boolean {
    const now = performance.now();
    const refilled = this.#left + ((now - this.#countedAt) / 1_000) * this.#perSecond;
    this.#left = Math.min(refilled, this.#perSecond);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
