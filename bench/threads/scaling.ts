import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { median, timed } from '../measure.ts';

const times = 2_000;

/** Speed of two threads relative to one: how much of two cores other processes leave. */
export async function scalingOfTwo(rounds: number): Promise<number> {
  const first = newBurner();
  const workers = [first, newBurner()];
  await burnIn(workers);
  const scalings: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const alone = await timed(() => burnIn([first]));
    const together = await timed(() => burnIn(workers));
    scalings.push((2 * alone.ms) / together.ms);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return median(scalings);
}

function newBurner(): Worker {
  return new Worker(new URL('./burner.ts', import.meta.url));
}

async function burnIn(workers: readonly Worker[]): Promise<void> {
  await Promise.all(
    workers.map((worker) => {
      worker.postMessage(times);
      return once(worker, 'message');
    }),
  );
}
