import { isMainThread } from 'node:worker_threads';

export { shop } from './shop.ts';

if (!isMainThread) {
  void Promise.reject(new TypeError('nobody catches this'));
  await new Promise(() => {});
}
