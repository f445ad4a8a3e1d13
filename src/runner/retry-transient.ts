import { isTransientFailure } from '../application/errors.ts';
import { backOff } from '../util/retry.ts';

const backoff = { firstMs: 50, maxMs: 5_000 };

/**
 * Does the work again, ever more slowly, until it goes well or fails for good: storage may be busy or away, or others
 * may be recording the same things. Throws the failure, or the signal's reason once that is aborted.
 */
export async function retryTransient<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  interrupted: (error: unknown) => void,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isTransientFailure(error)) throw error;
      interrupted(error);
    }
    await backOff(tries, backoff, signal).catch(() => {});
    signal.throwIfAborted();
  }
}
