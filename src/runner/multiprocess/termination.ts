import { setImmediate as nextTurn } from 'node:timers/promises';

const signals = ['SIGTERM', 'SIGINT'] as const;
/** What is to be done first when this process is told to end. */
const drains = new Set<() => Promise<void>>();

/**
 * Has the function called when this process is told to end by SIGTERM or SIGINT, and lets it end when the promise has
 * settled, or at once by a second signal. If anybody else listens for the signal, it is theirs to decide what becomes
 * of the process, and nothing is done.
 */
export function beforeTermination(drain: () => Promise<void>): Disposable {
  // Before the listeners of others: those who listen once are not among them any more when they have been called.
  if (drains.size === 0) for (const signal of signals) process.prependListener(signal, terminate);
  drains.add(drain);
  return {
    [Symbol.dispose]: () => {
      drains.delete(drain);
      if (drains.size === 0) stopListening();
    },
  };
}

function terminate(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  stopListening();
  void Promise.allSettled([...drains].map((drain) => drain()))
    .then(() => nextTurn()) // warnings are printed meanwhile
    .then(() => process.kill(process.pid, signal)); // nobody listens, so it ends as if nobody ever had
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, terminate);
}
