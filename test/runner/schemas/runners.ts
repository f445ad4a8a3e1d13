import { MultiprocessRunner, MultiThreadedRunner, SingleThreadedRunner } from 'kahn';

/** The runners that build schemas beside their other work, by name. */
export const runners = { SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner } as const;
