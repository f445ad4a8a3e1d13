import { performance } from 'node:perf_hooks';
import { unlessAborted } from '../../../util/abort.ts';
import { newId } from '../../../util/ids.ts';
import { resolvesWithin } from '../../../util/timeout.ts';

/**
 * Shares one request among all callers that need the answer while the request is running. So at most one call waits in
 * the engine while no service answers.
 */
export class SingleFlight<Answer> {
  readonly #request: (callKey: string) => Promise<Answer>;
  #callKey = newId();
  #startedAt = 0;
  #current: Promise<Answer> | undefined;

  /**
   * The key changes after each answer: a request with the key of an unanswered request joins its call in the engine.
   */
  constructor(request: (callKey: string) => Promise<Answer>) {
    this.#request = request;
  }

  /** Resolves with the answer, or with undefined if there is none `timeoutMs` after the request started. */
  async answer(timeoutMs: number, signal: AbortSignal): Promise<Answer | undefined> {
    const current = this.#current ?? this.#start();
    const remainingMs = Math.max(0, this.#startedAt + timeoutMs - performance.now());
    return (await unlessAborted(resolvesWithin(current, remainingMs), signal)) ? await current : undefined;
  }

  /** Makes the next caller send another request, because the answer to the one that is running may be outdated. */
  renew(): void {
    this.#current = undefined;
    this.#callKey = newId();
  }

  #start(): Promise<Answer> {
    this.#startedAt = performance.now();
    const current = this.#send().finally(() => {
      if (this.#current === current) this.#current = undefined;
    });
    this.#current = current;
    return current;
  }

  async #send(): Promise<Answer> {
    const callKey = this.#callKey;
    const answer = await this.#request(callKey);
    if (this.#callKey === callKey) this.#callKey = newId();
    return answer;
  }
}
