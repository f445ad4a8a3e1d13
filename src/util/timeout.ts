import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { longestTimerMs } from './time.ts';

/** Whether a promise resolves within a time in ms. */
export function resolvesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  // Messages that arrived while this thread was busy are handled before the promise counts as late.
  const giveUp = () => void setImmediate(() => late.resolve(false));
  const timer = setTimeout(giveUp, Math.min(timeoutMs, longestTimerMs));
  return Promise.race([promise.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}
