import { isMainThread } from 'node:worker_threads';

/** Whether this is a worker thread or process of a runner. */
export const isElsewhere: boolean =
  !isMainThread || /\/runner\/multiprocess\/worker-process-entry\.ts$/.test(process.argv[1] ?? '');
