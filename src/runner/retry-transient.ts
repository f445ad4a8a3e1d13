import { isTransientFailure } from '../application/failures.ts';
import type { PolicyRetryError } from '../application/following-errors.ts';
import { type Backoff, retry } from '../util/retry.ts';
import type { Interruption } from './runner.ts';

/** Delays between tries of work that failed with a transient error. */
export const transientBackoff: Backoff = { firstMs: 50, maxMs: 5_000 };

/** Returns the interruption by a policy that is tried again by an error rule. */
export function interruptionBy({ since, tries, nextTryAt }: PolicyRetryError): Interruption {
  return { since, tries, nextTryAt };
}

/** Returns the interruption after one more failed try. */
export function longer(interruption: Interruption | undefined, delayMs: number): Interruption {
  const now = Date.now();
  const { since = now, tries = 0 } = interruption ?? {};
  return { since, tries: tries + 1, nextTryAt: Math.round(now + delayMs) };
}

/** Repeats the work, without limit, while it fails with transient errors; each is passed to `interrupted`, if given. */
export function retryTransient<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  interrupted?: (error: unknown, interruption: Interruption) => void,
): Promise<T> {
  let interruption: Interruption | undefined;
  return retry(work, {
    backoff: transientBackoff,
    isTransient: isTransientFailure,
    signal,
    onRetry: (error, delayMs) => {
      interruption = longer(interruption, delayMs);
      interrupted?.(error, interruption);
    },
  });
}
