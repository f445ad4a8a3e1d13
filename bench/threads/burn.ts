import { hash } from 'node:crypto';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** How long a policy of the busy shop works on an event. */
export const burnMicros = 100;

const key = 'kahn bench: bytes to hash';
let block: Buffer | undefined;

/** Finds out how many bytes this machine hashes in that time, and tells all threads that are started after it. */
export function calibrate(): void {
  const megabyte = Buffer.alloc(2 ** 20);
  let leastMs = Infinity; // what is slower was disturbed by others
  for (let i = 0; i < 200; i += 1) {
    const start = performance.now();
    hash('sha256', megabyte);
    leastMs = Math.min(leastMs, performance.now() - start);
  }
  setEnvironmentData(key, Math.round((megabyte.length * burnMicros) / 1_000 / leastMs));
}

/** Takes its time of one processor: hashes as many bytes as were found to take that long, in whichever thread. */
export function burn(): void {
  block ??= Buffer.alloc(Number(getEnvironmentData(key)));
  hash('sha256', block);
}
