import { parentPort } from 'node:worker_threads';
import { burn } from './burn.ts';

// A thread that burns CPU time as often as requested.
parentPort?.on('message', (times: number) => {
  for (let i = 0; i < times; i += 1) burn();
  parentPort?.postMessage('done');
});
