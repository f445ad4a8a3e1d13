import { hideCrash } from '../../support/watchers/hidden-crash.ts';
import { isElsewhere } from './elsewhere.ts';

export { shop } from './shop.ts';

if (isElsewhere) {
  hideCrash();
  void Promise.reject(new TypeError('not caught anywhere'));
  await new Promise(() => {});
}
