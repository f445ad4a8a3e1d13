import { performance } from 'node:perf_hooks';

/** Bound between linear growth, which is about 4, and quadratic growth, which is about 16. */
export const linear = 9;

/**
 * Returns how many times longer some work takes for 4 * `size` than for `size`, by the shortest of up to three runs. Stops
 * early when the growth is linear.
 */
export async function growthOf(size: number, work: (size: number) => unknown): Promise<number> {
  let small = Infinity;
  let large = Infinity;
  for (let run = 0; run < 3 && !(large / small < linear); run++) {
    small = Math.min(small, await durationOf(() => work(size)));
    large = Math.min(large, await durationOf(() => work(4 * size)));
  }
  return large / small;
}

async function durationOf(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
