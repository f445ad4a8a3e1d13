import { describe, expect, test } from 'vitest';
import { backoffMs, type RetryOptions, retry } from '../../src/util/retry.ts';

const options: RetryOptions = { backoff: { firstMs: 1, maxMs: 1 }, isTransient: () => true };

/** Returns work that fails with 1, 2 and so on, and the numbers of its calls. */
function failing(): { work: () => Promise<never>; calls: number[] } {
  const calls: number[] = [];
  const work = () => Promise.reject(calls.push(calls.length + 1));
  return { work, calls };
}

describe('retry()', () => {
  test('resolves with the first success, and reports each failure before it', async () => {
    const reported: unknown[] = [];
    const results = [Promise.reject(1), Promise.reject(2), Promise.resolve('done')];
    for (const result of results) result.catch(() => {});
    const work = () => results.shift() as Promise<unknown>;
    expect(await retry(work, { ...options, onRetry: (error) => reported.push(error) })).toBe('done');
    expect(reported).toEqual([1, 2]);
  });

  test('throws the first failure that is not transient', async () => {
    const { work, calls } = failing();
    await expect(retry(work, { ...options, isTransient: (error) => error !== 3 })).rejects.toBe(3);
    expect(calls).toEqual([1, 2, 3]);
  });

  test('throws the failure of the last try', async () => {
    const { work, calls } = failing();
    await expect(retry(work, { ...options, maxTries: 4 })).rejects.toBe(4);
    expect(calls).toEqual([1, 2, 3, 4]);
  });

  test('makes no further try after the time', async () => {
    const { work, calls } = failing();
    await expect(retry(work, { ...options, timeoutMs: 0 })).rejects.toBe(1);
    expect(calls).toEqual([1]);
  });

  test('throws the reason of its signal, also while it waits', async () => {
    const reason = new Error('no time');
    const { work, calls } = failing();
    await expect(retry(work, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const backoff = { firstMs: 60_000, maxMs: 60_000 };
    const onRetry = () => void setImmediate(() => controller.abort(reason));
    const { signal } = controller;
    await expect(retry(work, { ...options, backoff, onRetry, signal })).rejects.toBe(reason);
    expect(calls).toEqual([1, 2]);
  });
});

test('delays double up to the maximum, half of each at random', () => {
  const backoff = { firstMs: 10, maxMs: 35 };
  const delays = (random: number) => [1, 2, 3, 4].map((tries) => backoffMs(tries, backoff, () => random));
  expect(delays(0)).toEqual([5, 10, 17.5, 17.5]);
  expect(delays(1)).toEqual([10, 20, 35, 35]);
});
