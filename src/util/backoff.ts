import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait between tries, in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Waits before try `tries + 1`: twice as long each time, up to the maximum. Throws if the signal is aborted. */
export async function backOff(
  tries: number,
  { firstMs, maxMs }: Backoff,
  signal?: AbortSignal,
): Promise<void> {
  const longest = Math.min(firstMs * 2 ** (tries - 1), maxMs);
  // Up to half of it is left to chance, so that those who failed together do not come back together.
  await delay(longest * (0.5 + Math.random() / 2), undefined, signal && { signal });
}
