import { createHook } from 'node:async_hooks';
import { expect } from 'vitest';

/** Does work and returns the durations of all timers that this thread started meanwhile, each once, in ms. */
export async function timersDuring(work: () => Promise<unknown>): Promise<ReadonlySet<number>> {
  const durations = new Set<number>();
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'Timeout') durations.add((resource as { readonly _idleTimeout: number })._idleTimeout);
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return durations;
}

/** Does work that takes as long as a time in ms says; throws if it ends earlier, or later than nearly twice that time. */
export async function takes(ms: number, work: () => Promise<unknown>): Promise<void> {
  let isLate = false;
  // On a busy machine, this timer is late, too: timers that are due run in the order of their times.
  const late = setTimeout(() => {
    isLate = true;
  }, 1.8 * ms);
  const start = performance.now();
  await work();
  expect(performance.now() - start).toBeGreaterThan(0.95 * ms);
  expect(isLate, `more than ${1.8 * ms} ms`).toBe(false);
  clearTimeout(late);
}
