import { isMainThread } from 'node:worker_threads';

/** Whether this is a thread, or a process, that a runner has started. */
export const isElsewhere: boolean =
  !isMainThread || /\/runner\/multiprocess\/worker-process-entry\.ts$/.test(process.argv[1] ?? '');
