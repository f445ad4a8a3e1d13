import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** Returns the running worker threads that were started after this call, and calls `hear` with each. */
export function watchWorkers(hear: (worker: Worker) => void = () => {}): ReadonlySet<Worker> {
  const workers = new Set<Worker>();
  const note = (worker: Worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
    hear(worker);
  };
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  return workers;
}
