import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Delays between tries. */
export interface Backoff {
  /** Delay before the second try, in ms. It doubles with each further try. */
  readonly firstMs: number;
  /** Longest delay, in ms. */
  readonly maxMs: number;
}

export interface RetryOptions {
  readonly backoff: Backoff;
  /** Whether a failure may be temporary. Other failures are thrown immediately. */
  isTransient(error: unknown): boolean;
  /** Largest number of tries; the failure of the last try is thrown. @default no limit */
  readonly maxTries?: number;
  /** Time from the first failure after which no further try is made, in ms. @default no limit */
  readonly timeoutMs?: number;
  /** Cancels the wait between tries; the reason of the signal is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each failure, and with the delay before the next try, in ms. */
  onRetry?(error: unknown, delayMs: number): void;
}

/**
 * Repeats work until it succeeds, with exponential backoff and jitter.
 *
 * @throws the first failure that is not transient, or the last failure when tries or time are used up.
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { backoff, maxTries = Infinity, timeoutMs = Infinity, signal } = options;
  let deadline: number | undefined;
  for (let tries = 1; ; tries += 1) {
    const delayMs = backoffMs(tries, backoff);
    try {
      return await work();
    } catch (error) {
      deadline ??= performance.now() + timeoutMs;
      if (!options.isTransient(error) || tries >= maxTries || performance.now() >= deadline) throw error;
      options.onRetry?.(error, delayMs);
    }
    await pause(delayMs, signal);
  }
}

/** Waits before try `tries + 1`. Rejects with the reason of the signal if that is aborted. */
export function backOff(tries: number, backoff: Backoff, signal?: AbortSignal): Promise<void> {
  return pause(backoffMs(tries, backoff), signal);
}

/** Waits for a time in ms. Rejects with the reason of the signal if that is aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await delay(delayMs, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Delay before try `tries + 1`, in ms: half of it fixed, the other half random, so that concurrent callers spread out.
 */
export function backoffMs(
  tries: number,
  { firstMs, maxMs }: Backoff,
  random: () => number = Math.random,
): number {
  return Math.min(firstMs * 2 ** (tries - 1), maxMs) * (0.5 + random() / 2);
}
