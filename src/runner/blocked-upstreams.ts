import { CausalDependencyError } from '../application/errors.ts';
import { backOff } from '../util/retry.ts';

/** How long those who wait for another pipeline wait until they look again; it may be prompt, or far behind. */
export const blockedBackoff = { firstMs: 10, maxMs: 1_000 };

/** Which upstreams of an application wait for another pipeline, and when they are tried again. */
export class BlockedUpstreams {
  readonly #tries = new Map<string, number>();
  readonly #resting = new Set<string>();

  get isEmpty(): boolean {
    return this.#tries.size === 0;
  }

  /** Whether it is too early to try this one again, whatever prompts say: none tells of other pipelines. */
  isResting(upstreamName: string): boolean {
    return this.#resting.has(upstreamName);
  }

  /** Sets an upstream aside, ever longer, and then calls `retry`; never once the signal is aborted. */
  setAside(upstreamName: string, retry: () => void, signal: AbortSignal): void {
    const tries = (this.#tries.get(upstreamName) ?? 0) + 1;
    this.#tries.set(upstreamName, tries);
    this.#resting.add(upstreamName);
    const due = () => {
      this.#resting.delete(upstreamName);
      retry();
    };
    backOff(tries, blockedBackoff, signal).then(due, () => {});
  }

  /** It has got ahead, or has nothing to do. */
  end(upstreamName: string): void {
    this.#tries.delete(upstreamName);
  }
}

/** What the work resolves with, or for what it waits in another pipeline. */
export function catchCausalWait<T>(work: () => Promise<T>): Promise<T | CausalDependencyError> {
  return work().catch((error: unknown) => {
    if (error instanceof CausalDependencyError) return error;
    throw error;
  });
}
