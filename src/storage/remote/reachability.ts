import { performance } from 'node:perf_hooks';
import { unlessAborted } from '../../util/abort.ts';
import { type Backoff, backoffMs } from '../../util/retry.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { isTransient } from '../errors.ts';

/** Longest time for which a call waits for an answer of a server, in ms. */
const longestFirstMs = 2_000;
/** Delays between requests to a server that is away. */
const backoff: Backoff = { firstMs: 100, maxMs: 5_000 };

/**
 * Keeps calls from waiting for a server that is away: they fail at once, while a request in the background finds out when
 * the server answers again.
 */
export class Reachability {
  readonly #ask: (signal: AbortSignal) => Promise<unknown>;
  /** Why the server is away; undefined while it answers. */
  #trouble: unknown;
  #failures = 0;
  #nextAskAt = 0;
  #asking: Promise<void> | undefined;
  #isKnown = false;

  /** @param ask Sends a small request. */
  constructor(ask: (signal: AbortSignal) => Promise<unknown>) {
    this.#ask = ask;
  }

  /**
   * Resolves if the server has answered the last request.
   *
   * @param unanswered Creates the error for a server that has not answered yet.
   * @throws the error of the last request.
   */
  async assertReachable(unanswered: () => Error, signal: AbortSignal): Promise<void> {
    if (!this.#isKnown) {
      this.#askOnce(signal);
      await unlessAborted(resolvesWithin(this.#asking as Promise<void>, longestFirstMs), signal);
      if (!this.#isKnown) this.#failed(unanswered());
    } else if (this.#trouble !== undefined && performance.now() >= this.#nextAskAt) this.#askOnce(signal);
    if (this.#trouble !== undefined) throw this.#trouble;
  }

  /**
   * Resolves with an answer. If the server does not give it soon, the server counts as away until it answers.
   *
   * @param unanswered Creates the error for that.
   */
  async soon<T>(answer: Promise<T>, unanswered: () => Error, signal: AbortSignal): Promise<T> {
    if (await unlessAborted(resolvesWithin(answer, longestFirstMs), signal)) return answer;
    const error = unanswered();
    this.#failed(error);
    throw error;
  }

  /** Notes that the server has answered. */
  succeeded(): void {
    this.#isKnown = true;
    this.#trouble = undefined;
    this.#failures = 0;
  }

  /** Notes that a request has failed. An answer that no log can hold says that the server is there. */
  failed(error: unknown): void {
    if (isTransient(error)) this.#failed(error);
    else this.succeeded();
  }

  #failed(error: unknown): void {
    this.#isKnown = true;
    this.#trouble = error;
    this.#failures += 1;
    this.#nextAskAt = performance.now() + backoffMs(this.#failures, backoff);
  }

  #askOnce(signal: AbortSignal): void {
    this.#asking ??= this.#ask(signal)
      .then(
        () => {},
        () => {}, // noted by the request itself
      )
      .finally(() => {
        this.#asking = undefined;
      });
  }
}
