import { performance } from 'node:perf_hooks';
import { unlessAborted } from '../../util/abort.ts';
import { resolvesWithin } from '../../util/timeout.ts';

/** Longest time for which a call waits for an answer, and for each further one, in ms. */
const longestWaitMs = 2_000;
/** The same while the server is silent. */
const shortestWaitMs = 100;
/** Time after which a call waits for no further answer, in ms. A server may answer one notification at a time. */
const longestReadMs = 10_000;
/** Most results that are kept for the calls that did not wait for them. */
const mostKept = 8;

/** A read that takes longer than its call has waited. */
interface LateRead<T> {
  readonly result: Promise<T>;
  isOver: boolean;
}

/**
 * Keeps calls from waiting for a server that answers some requests and leaves others without an answer, or ends in the
 * middle of one. A read that takes too long stays under way, and the next call for the same takes its result. Other
 * calls fail at once meanwhile.
 */
export class LateAnswers<T> {
  readonly #late = new Map<string, LateRead<T>>();
  #isSilent = false;

  /**
   * Resolves with the result of a read.
   *
   * @param key What is read.
   * @param start Starts the read, which calls `answered` for each answer of the server.
   * @param unanswered Creates the error for a read that takes too long.
   */
  async read(
    key: string,
    start: (answered: () => void) => Promise<T>,
    unanswered: () => Error,
    signal: AbortSignal,
  ): Promise<T> {
    const known = this.#late.get(key);
    if (known?.isOver) {
      this.#late.delete(key);
      return known.result;
    }
    if ([...this.#late.values()].some(({ isOver }) => !isOver)) throw unanswered();
    let answers = 0;
    const result = start(() => {
      answers += 1;
      this.#isSilent = false;
    });
    const end = performance.now() + longestReadMs;
    for (let before = -1; before < answers && performance.now() < end; ) {
      before = answers;
      const wait = resolvesWithin(result, this.#isSilent ? shortestWaitMs : longestWaitMs);
      if (await unlessAborted(wait, signal)) return result;
    }
    this.#keep(key, result);
    throw unanswered();
  }

  #keep(key: string, result: Promise<T>): void {
    this.#isSilent = true;
    const late = { result, isOver: false };
    const end = () => {
      late.isOver = true;
    };
    result.then(end, end);
    this.#late.set(key, late);
    for (const [oldest, { isOver }] of this.#late) {
      if (this.#late.size <= mostKept) break;
      if (isOver) this.#late.delete(oldest);
    }
  }
}
