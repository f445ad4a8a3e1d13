import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How this process has been told to end. */
export interface Ending {
  readonly signal: NodeJS.Signals;
  /** Resolves if somebody who has begun to listen meanwhile lets the process live. */
  readonly survived: Promise<void>;
}

type Drain = (ending: Ending) => Promise<void>;

const signals = ['SIGTERM', 'SIGINT'] as const;
/** What is to be done first when this process is told to end. */
const drains = new Set<Drain>();

/**
 * Has the function called when this process is told to end by SIGTERM or SIGINT, and lets it end when the promise has
 * settled, or at once by a second signal. If anybody else listens for the signal, it is theirs to decide what becomes
 * of the process, from then on.
 */
export function beforeTermination(drain: Drain): Disposable {
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
  if (process.listenerCount(signal) > 1) {
    // The others are called next. Some of them end the process only if they are alone then.
    process.off(signal, terminate);
    return;
  }
  stopListening();
  const survived = Promise.withResolvers<void>();
  const ending = { signal, survived: survived.promise };
  void Promise.allSettled([...drains].map((drain) => drain(ending)))
    .then(() => nextTurn()) // warnings are printed meanwhile
    .then(() => raise(signal))
    .then(survived.resolve);
}

/** Ends this process by a signal, unless somebody listens for it. */
async function raise(signal: NodeJS.Signals): Promise<void> {
  const isHeard = process.listenerCount(signal) > 0;
  process.kill(process.pid, signal); // if nobody listens, it ends as if nobody ever had
  await nextTurn();
  // The first process of a container is spared by the system.
  if (!isHeard) process.exit(128 + constants.signals[signal]);
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, terminate);
}
