import { CausalDependencyError } from '../../application/errors.ts';
import { messageOf } from '../../util/errors.ts';
import { backOff } from '../../util/retry.ts';
import { blockedBackoff } from '../blocked-upstreams.ts';

/** Whether an application only waits for another pipeline. */
export function isBlocked(error: unknown): boolean {
  return error instanceof CausalDependencyError;
}

/**
 * Retries followers that wait for another pipeline. Other runners process that pipeline, so no prompt announces its
 * progress. The delay grows while the same followers wait for the same notifications.
 */
export class BlockedRetry {
  readonly #retry: () => void;
  /** Errors that name the dependencies of the waiting followers after the last turn, as text. */
  #messages = '';
  /** Number of turns in a row that ended with these messages. */
  #turns = 0;
  #delay = new AbortController();
  #isClosed = false;

  constructor(retry: () => void) {
    this.#retry = retry;
  }

  /**
   * Replaces the scheduled retry by a retry for the interruptions of this turn that wait for another pipeline, if any.
   */
  schedule(interruptions: ReadonlyMap<string, unknown>): void {
    const messages = interruptions.values().filter(isBlocked).map(messageOf).toArray().join('\n');
    this.#turns = messages === this.#messages ? this.#turns + 1 : 1;
    this.#messages = messages;
    this.#delay.abort();
    if (messages === '' || this.#isClosed) return;
    this.#delay = new AbortController();
    backOff(this.#turns, blockedBackoff, this.#delay.signal).then(this.#retry, () => {});
  }

  close(): void {
    this.#isClosed = true;
    this.#delay.abort();
  }
}
