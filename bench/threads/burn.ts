import { hash } from 'node:crypto';

/** CPU time that a policy of the busy shop uses per event, in microseconds. */
export const burnMicros = 100;

const variable = 'KAHN_BENCH_BYTES';
let block: Buffer | undefined;

/**
 * Measures how many bytes this machine hashes in {@link burnMicros}, and passes the number to all threads and processes
 * started later.
 */
export function calibrate(): void {
  const megabyte = Buffer.alloc(2 ** 20);
  let leastMs = Infinity; // slower runs were disturbed by other processes
  for (let i = 0; i < 200; i += 1) {
    const start = performance.now();
    hash('sha256', megabyte);
    leastMs = Math.min(leastMs, performance.now() - start);
  }
  process.env[variable] = `${Math.round((megabyte.length * burnMicros) / 1_000 / leastMs)}`;
}

/** Uses {@link burnMicros} of CPU time, by hashing the calibrated number of bytes. */
export function burn(): void {
  block ??= Buffer.alloc(Number(process.env[variable]));
  hash('sha256', block);
}
