import { parentPort, workerData } from 'node:worker_threads';
import { runThread } from './worker-thread.ts';

// Program of a worker thread: a separate file, because Node starts a thread by the URL of a file.
if (parentPort !== null) await runThread(workerData, parentPort);
