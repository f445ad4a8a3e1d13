import { unlessAborted } from '../../../util/abort.ts';
import { newId } from '../../../util/ids.ts';
import { resolvesWithin } from '../../../util/timeout.ts';

/**
 * Asks one thing, again and again, but never while there is no answer yet: who asks meanwhile waits for the same one. So
 * at most one call is left in the engine while no service answers, however often somebody looks.
 */
export class SingleFlight<Answer> {
  readonly #ask: (callKey: string) => Promise<Answer>;
  #callKey = newId();
  #since = 0;
  #open: Promise<Answer> | undefined;

  /** What is asked by the same key as before is the same call still, if that has not been answered. */
  constructor(ask: (callKey: string) => Promise<Answer>) {
    this.#ask = ask;
  }

  /** Resolves with the answer or, if there is none within the time since it was asked, with undefined. */
  async answer(timeoutMs: number, signal: AbortSignal): Promise<Answer | undefined> {
    const open = this.#open ?? this.#begin();
    const leftMs = Math.max(0, this.#since + timeoutMs - performance.now());
    return (await unlessAborted(resolvesWithin(open, leftMs), signal)) ? await open : undefined;
  }

  #begin(): Promise<Answer> {
    this.#since = performance.now();
    this.#open = this.#once().finally(() => {
      this.#open = undefined;
    });
    return this.#open;
  }

  async #once(): Promise<Answer> {
    const answer = await this.#ask(this.#callKey);
    this.#callKey = newId();
    return answer;
  }
}
