import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

const sliceMs = 10;
let sliceStart = 0;
let turn: Promise<void> | undefined;

/**
 * Yields to timers, signals and input if this thread has not done so for 10 ms. Storage in this thread resolves
 * immediately, so that a long series of awaits would otherwise block them. Concurrent callers share one yield.
 */
export async function yieldIfBusy(): Promise<void> {
  await yieldIfDue(performance.now());
}

/** As {@link yieldIfBusy}, at a time by `performance.now()`. Returns no promise if there is nothing to wait for. */
export function yieldIfDue(now: number): Promise<void> | undefined {
  if (now - sliceStart < sliceMs) return undefined;
  turn ??= nextTurn().then(() => {
    sliceStart = performance.now();
    turn = undefined;
  });
  return turn;
}
