import { parentPort, workerData } from 'node:worker_threads';
import { runThread } from './worker-thread.ts';

// The program of a thread: a file of its own, because a worker is started by a URL.
if (parentPort !== null) await runThread(workerData, parentPort);
