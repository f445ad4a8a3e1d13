import { clearTimeout, setTimeout } from 'node:timers';
import { type Backoff, backoffMs } from '../../util/retry.ts';

/** Calls a function after a delay that grows with each call until `reset()`. */
export class RetryTimer {
  readonly #backoff: Backoff;
  readonly #retry: () => void;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(backoff: Backoff, retry: () => void) {
    this.#backoff = backoff;
    this.#retry = retry;
  }

  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** Schedules a call, in place of a call that is scheduled already. */
  schedule(): void {
    clearTimeout(this.#timer);
    this.#tries += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#retry();
      },
      backoffMs(this.#tries, this.#backoff),
    );
  }

  /** Makes the next delay the shortest one. */
  reset(): void {
    this.#tries = 0;
  }

  /** Cancels the scheduled call. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
