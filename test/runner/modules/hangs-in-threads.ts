import { isElsewhere } from './elsewhere.ts';

export { shop } from './shop.ts';

if (isElsewhere) await new Promise(() => {});
