import { performance } from 'node:perf_hooks';
import { retry } from '../../../util/retry.ts';
import { isBusy } from '../errors.ts';

/**
 * Does the work when no other connection is in its way. Retries, so that it blocks the thread only for short times.
 *
 * @param signal Cancels the wait; its reason is thrown.
 */
export function whenFree<T>(timeoutMs: number, work: () => T, signal?: AbortSignal): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  const isTransient = (error: unknown) => isBusy(error) && performance.now() < deadline;
  return retry(async () => work(), { backoff: { firstMs: 5, maxMs: 5 }, isTransient, signal });
}
