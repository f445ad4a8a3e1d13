import { setTimeout as delay } from 'node:timers/promises';

const patienceMs = 60_000;

/** Waits for something to come true; throws if it takes too long. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`It took longer than ${patienceMs} ms until ${what}.`);
    await delay(5);
  }
}
