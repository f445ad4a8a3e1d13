import { StoppedError } from './errors.ts';

/** npm passes Ctrl-C on to a process that has had it from the terminal too: within this time it is the same one. */
const sameSignalMs = 500;

/** Aborted by Ctrl-C or SIGTERM, to stop in order. The next one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let stoppedAt: number | undefined;
  const stop = () => {
    stoppedAt ??= performance.now();
    if (performance.now() - stoppedAt > sameSignalMs) process.exit(130);
    controller.abort(new StoppedError('Stopped.'));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}
