import { isTransientFailure } from '../application/errors.ts';
import { type Backoff, retry } from '../util/retry.ts';

/** Delays between tries of work that failed with a transient error. */
export const transientBackoff: Backoff = { firstMs: 50, maxMs: 5_000 };

/** Repeats the work, without limit, while it fails with transient errors; each is passed to `interrupted`. */
export function retryTransient<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  interrupted: (error: unknown) => void,
): Promise<T> {
  return retry(work, {
    backoff: transientBackoff,
    isTransient: isTransientFailure,
    signal,
    onRetry: interrupted,
  });
}
