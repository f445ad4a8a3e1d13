import { clearTimeout, setTimeout } from 'node:timers';
import { unlessAborted } from '../../util/abort.ts';

/** Longest time for which an update makes later updates of its aggregate wait, in ms. */
const longestMs = 1_000;

/**
 * Lets the updates of an aggregate run one after the other in this thread, in the order of their calls, so that they do
 * not lose races to each other. A turn ends after a time at the latest: the function of an update may wait for anything.
 */
export class AggregateTurns {
  readonly #longestMs: number;
  /** The end of the last turn of each aggregate. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(longest: number = longestMs) {
    this.#longestMs = longest;
  }

  /** Waits for the earlier turns of an aggregate. Resolves with the function that ends this turn. */
  async take(id: string, signal: AbortSignal | undefined): Promise<() => void> {
    const before = this.#last.get(id);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(id, promise);
    const end = () => {
      clearTimeout(timer);
      if (this.#last.get(id) === promise) this.#last.delete(id);
      resolve();
    };
    let timer: NodeJS.Timeout | undefined;
    try {
      if (before !== undefined) await unlessAborted(before, signal);
    } catch (error) {
      void before?.then(end); // a turn that was given up does not let later turns overtake earlier ones
      throw error;
    }
    timer = setTimeout(end, this.#longestMs);
    return end;
  }
}
