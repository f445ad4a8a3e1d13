import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bound between linear growth, which is about 4, and quadratic growth, which is about 16. */
export const linear = 10;

/**
 * Returns how many times more CPU time some work takes on this thread for 4 * `size` than for `size`, by the cheapest of up
 * to five runs. Stops early when the growth is linear.
 */
export async function growthOf(size: number, work: (size: number) => unknown): Promise<number> {
  await work(size); // compiles the code
  let small = Infinity;
  let large = Infinity;
  for (let run = 0; run < 5 && !(large / small < linear); run++) {
    small = Math.min(small, await cpuTimeOf(() => work(size)));
    large = Math.min(large, await cpuTimeOf(() => work(4 * size)));
  }
  return large / small;
}

async function cpuTimeOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return Math.max(user + system, 1_000); // shorter times say nothing
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the memory that objects, texts and buffers of this thread hold, in bytes. */
export function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
