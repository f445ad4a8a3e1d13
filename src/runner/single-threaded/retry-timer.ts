import { clearTimeout, setTimeout } from 'node:timers';
import { type Backoff, backoffMs } from '../../util/retry.ts';
import { longer } from '../retry-transient.ts';
import type { Interruption } from '../runner.ts';

/** Calls a function after a delay that grows with each call until `reset()`. */
export class RetryTimer {
  readonly #backoff: Backoff;
  readonly #retry: () => void;
  #interruption: Interruption | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(backoff: Backoff, retry: () => void) {
    this.#backoff = backoff;
    this.#retry = retry;
  }

  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** The interruption since the first call was scheduled; undefined after `reset()`. */
  get interruption(): Interruption | undefined {
    return this.#interruption;
  }

  /** Schedules a call, in place of a call that is scheduled already. */
  schedule(): Interruption {
    clearTimeout(this.#timer);
    const delayMs = backoffMs((this.#interruption?.tries ?? 0) + 1, this.#backoff);
    this.#interruption = longer(this.#interruption, delayMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#retry();
    }, delayMs);
    return this.#interruption;
  }

  /** Makes the next delay the shortest one. */
  reset(): void {
    this.#interruption = undefined;
  }

  /** Cancels the scheduled call. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
