import { isTransientFailure } from '../application/errors.ts';
import { retry } from '../util/retry.ts';

const backoff = { firstMs: 50, maxMs: 5_000 };

/** Repeats the work, without limit, while it fails with transient errors; each is passed to `interrupted`. */
export function retryTransient<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  interrupted: (error: unknown) => void,
): Promise<T> {
  return retry(work, { backoff, isTransient: isTransientFailure, signal, onRetry: interrupted });
}
