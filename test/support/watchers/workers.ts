import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** Returns the worker threads that run, of those started from now on, and calls `hear` with each. */
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
