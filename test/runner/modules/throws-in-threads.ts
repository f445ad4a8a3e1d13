import { isElsewhere } from './elsewhere.ts';

export { shop } from './shop.ts';

if (isElsewhere) throw new TypeError('there is no screen in this thread');
