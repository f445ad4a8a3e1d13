import { type BlockingError, isBlocking, PolicyRetryError } from '../application/following-errors.ts';
import type { StorageError } from '../storage/errors.ts';
import { isAway } from '../storage/remote/errors.ts';
import { type Backoff, backoffMs, pause } from '../util/retry.ts';
import { interruptionBy, longer, transientBackoff } from './retry-transient.ts';
import type { Interruption } from './runner.ts';

/** Delays between checks of another pipeline or version, which may catch up soon or be far behind. */
export const blockedBackoff: Backoff = { firstMs: 10, maxMs: 1_000 };

/** Upstreams of an application that wait for another pipeline or another version. */
export class BlockedUpstreams {
  readonly #waits = new Map<string, Interruption>();
  readonly #resting = new Set<string>();

  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /**
   * Whether the delay of an upstream is still running. Prompts do not shorten it: they announce nothing of other
   * pipelines and versions.
   */
  isResting(upstreamName: string): boolean {
    return this.#resting.has(upstreamName);
  }

  /**
   * Blocks an upstream, and calls `retry` unless the signal is aborted: after the delay of an error rule, or after a delay
   * that grows each time.
   */
  block(
    upstreamName: string,
    error: BlockingError | StorageError,
    retry: () => void,
    signal: AbortSignal,
  ): Interruption {
    const before = this.#waits.get(upstreamName);
    const isRuled = error instanceof PolicyRetryError;
    const delayMs = isRuled
      ? Math.max(error.nextTryAt - Date.now(), 0)
      : backoffMs((before?.tries ?? 0) + 1, isBlocking(error) ? blockedBackoff : transientBackoff);
    const wait = isRuled ? interruptionBy(error) : longer(before, delayMs);
    this.#waits.set(upstreamName, wait);
    this.#resting.add(upstreamName);
    const due = () => {
      this.#resting.delete(upstreamName);
      retry();
    };
    pause(delayMs, signal).then(due, () => {});
    return wait;
  }

  /** Clears the block: progress was made or no notification is pending. */
  unblock(upstreamName: string): void {
    this.#waits.delete(upstreamName);
  }
}

/** Whether an error says that an upstream must wait, while other ones are processed. */
export function mustWait(error: unknown, upstreamName: string): error is BlockingError | StorageError {
  return isBlocking(error) || isAway(error, upstreamName);
}

/** Resolves with the result of the work, or with the error that says what the next notification waits for. */
export function catchBlocking<T>(
  upstreamName: string,
  work: () => Promise<T>,
): Promise<T | BlockingError | StorageError> {
  return work().catch((error: unknown) => {
    if (mustWait(error, upstreamName)) return error;
    throw error;
  });
}
