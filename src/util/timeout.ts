import { longestTimerMs } from './time.ts';

/** Whether the promise resolves within the time. */
export function resolvesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  // What has come in while this thread was busy is heard before it is called late.
  const giveUp = () => void setImmediate(() => late.resolve(false));
  const timer = setTimeout(giveUp, Math.min(timeoutMs, longestTimerMs));
  return Promise.race([promise.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}
