import { StoppedError } from './errors.ts';

/** The terminal and npm both send Ctrl-C to this process. Signals within this time count as one, in ms. */
const sameSignalMs = 500;

/** Returns a signal that Ctrl-C or SIGTERM aborts, for an orderly stop. A second one exits the process at once. */
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
