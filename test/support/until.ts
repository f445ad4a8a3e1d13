import { setTimeout as delay } from 'node:timers/promises';

/** Longest wait of a test, in ms; on a quiet machine, waits take about a second. */
const patienceMs = 120_000;

/** Options of `vi.waitUntil()`, `vi.waitFor()` and `expect.poll()` for a busy machine. */
export const patient = { timeout: patienceMs, interval: 10 };

/** Returns a signal that is aborted after a time that suffices on a busy machine. */
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
