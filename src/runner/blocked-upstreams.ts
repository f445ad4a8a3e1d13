import { type BlockingError, isBlocking } from '../application/errors.ts';
import { type Backoff, backOff } from '../util/retry.ts';

/** Delays between checks of another pipeline or version, which may catch up soon or be far behind. */
export const blockedBackoff: Backoff = { firstMs: 10, maxMs: 1_000 };

/** Upstreams of an application that wait for another pipeline or another version. */
export class BlockedUpstreams {
  readonly #tries = new Map<string, number>();
  readonly #resting = new Set<string>();

  get isEmpty(): boolean {
    return this.#tries.size === 0;
  }

  /**
   * Whether the delay of an upstream is still running. Prompts do not shorten it: they announce nothing of other
   * pipelines and versions.
   */
  isResting(upstreamName: string): boolean {
    return this.#resting.has(upstreamName);
  }

  /** Blocks an upstream and calls `retry` after a delay that grows each time, unless the signal is aborted. */
  block(upstreamName: string, retry: () => void, signal: AbortSignal): void {
    const tries = (this.#tries.get(upstreamName) ?? 0) + 1;
    this.#tries.set(upstreamName, tries);
    this.#resting.add(upstreamName);
    const due = () => {
      this.#resting.delete(upstreamName);
      retry();
    };
    backOff(tries, blockedBackoff, signal).then(due, () => {});
  }

  /** Clears the block: progress was made or no notification is pending. */
  unblock(upstreamName: string): void {
    this.#tries.delete(upstreamName);
  }
}

/** Resolves with the result of the work, or with the error that says what the next notification waits for. */
export function catchBlocking<T>(work: () => Promise<T>): Promise<T | BlockingError> {
  return work().catch((error: unknown) => {
    if (isBlocking(error)) return error;
    throw error;
  });
}
