import { isElsewhere } from './elsewhere.ts';

export { shop } from './shop.ts';

if (isElsewhere) {
  void Promise.reject(new TypeError('nobody catches this'));
  await new Promise(() => {});
}
