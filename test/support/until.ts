import { setTimeout as delay } from 'node:timers/promises';

/** Longest wait of a test for what takes a second on a quiet machine, in ms. */
const patienceMs = 120_000;

/** Options of `vi.waitUntil()`, `vi.waitFor()` and `expect.poll()` for a busy machine. */
export const patient = { timeout: patienceMs, interval: 10 };

/** Returns a signal that aborts what takes too long on a busy machine, too. */
export function inTime(): AbortSignal {
  return AbortSignal.timeout(patienceMs);
}

/** Waits until a condition is true; throws if it takes too long. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`It took longer than ${patienceMs} ms until ${what}.`);
    await delay(5);
  }
}
