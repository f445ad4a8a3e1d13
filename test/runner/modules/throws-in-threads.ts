import { isMainThread } from 'node:worker_threads';

export { shop } from './shop.ts';

if (!isMainThread) throw new TypeError('there is no screen in this thread');
