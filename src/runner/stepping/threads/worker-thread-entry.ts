import { parentPort, workerData } from 'node:worker_threads';
import { runSteppingThread } from './worker-thread.ts';

// Program of a worker thread: a separate file, because Node starts a thread by the URL of a file.
if (parentPort !== null) await runSteppingThread(workerData, parentPort);
