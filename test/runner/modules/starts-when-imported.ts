import { SingleThreadedRunner } from 'kahn';
import { isElsewhere } from './elsewhere.ts';
import { shop } from './shop.ts';

export { shop };

// The thread catches the refusal; the runner must report it nevertheless.
if (isElsewhere) await SingleThreadedRunner.start(shop).catch(() => {});
