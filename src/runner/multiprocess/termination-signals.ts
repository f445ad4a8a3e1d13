import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A signal that ends this process. */
export interface Termination {
  readonly signal: NodeJS.Signals;
  /** Resolves if the process survives because other code has begun to listen for the signal. */
  readonly survived: Promise<void>;
}

type Drain = (termination: Termination) => Promise<void>;

const signals = ['SIGTERM', 'SIGINT'] as const;
/** Functions that are called before this process exits on a signal. */
const drains = new Set<Drain>();

/**
 * Calls a function before this process exits on SIGTERM or SIGINT. The process exits when the promise has settled, or
 * at once on a second signal. If other code listens for the signal, the function is not called, then or later: that
 * code decides what happens to the process.
 */
export function beforeTermination(drain: Drain): Disposable {
  // Prepended, so that listeners added with `once` are still counted when this listener is called.
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
  if (process.listenerCount(signal) > 1) {
    // Other listeners are called next. Some of them end the process only if there is no other listener.
    process.off(signal, terminate);
    return;
  }
  stopListening();
  const survived = Promise.withResolvers<void>();
  const termination = { signal, survived: survived.promise };
  void Promise.allSettled([...drains].map((drain) => drain(termination)))
    .then(() => nextTurn()) // warnings are printed in this turn
    .then(() => raise(signal))
    .then(survived.resolve);
}

/** Ends this process by a signal, unless other code listens for it. */
async function raise(signal: NodeJS.Signals): Promise<void> {
  const isHandled = process.listenerCount(signal) > 0;
  process.kill(process.pid, signal); // without listeners, the exit status is that of the signal
  await nextTurn();
  // Linux ignores the signal in the first process of a container.
  if (!isHandled) process.exit(128 + constants.signals[signal]);
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, terminate);
}
