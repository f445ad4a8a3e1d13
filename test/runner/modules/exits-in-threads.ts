import { isMainThread } from 'node:worker_threads';

export { shop } from './shop.ts';

if (!isMainThread) process.exit(3);
