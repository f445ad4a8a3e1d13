import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './time.ts';

/** The machine's own time. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => (ms > 0 ? delay(ms, undefined, { signal }) : nextTurn(undefined, { signal })),
};
