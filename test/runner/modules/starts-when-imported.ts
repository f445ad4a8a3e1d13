import { SingleThreadedRunner } from 'kahn';
import { isElsewhere } from './elsewhere.ts';
import { shop } from './shop.ts';

export { shop };

// A thread that caught this would go on without anybody having been told.
if (isElsewhere) await SingleThreadedRunner.start(shop).catch(() => {});
