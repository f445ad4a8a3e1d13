import { isElsewhere } from './elsewhere.ts';

export { shop } from './shop.ts';

if (isElsewhere) process.exit(3);
