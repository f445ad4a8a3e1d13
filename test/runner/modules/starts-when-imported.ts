import { isMainThread } from 'node:worker_threads';
import { SingleThreadedRunner } from 'kahn';
import { shop } from './shop.ts';

export { shop };

// A thread that caught this would go on without anybody having been told.
if (!isMainThread) await SingleThreadedRunner.start(shop).catch(() => {});
