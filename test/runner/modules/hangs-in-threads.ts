import { isMainThread } from 'node:worker_threads';

export { shop } from './shop.ts';

if (!isMainThread) await new Promise(() => {});
