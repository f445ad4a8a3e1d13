import { type ResourceLimits, Worker } from 'node:worker_threads';
import { messageOf } from '../../util/errors.ts';
import { enclosed, messageIn } from './envelope.ts';
import { closeMessage } from './run-in-thread.ts';
import { ExitedError, type SupervisedWorker, type WorkerHooks, type WorkerMessage } from './worker.ts';

export interface ThreadOptions {
  /** URL of the program. */
  readonly entry: URL;
  readonly applicationName: string;
  /** Plain data for the program. */
  readonly task: unknown;
  readonly resourceLimits?: ResourceLimits | undefined;
  /** Called when the thread has exited, with its former id. */
  exited(threadId: number): void;
}

/** Starts a worker thread, which is terminated as soon as it reports that it is closed. */
export function spawnThread(options: ThreadOptions, hooks: WorkerHooks): SupervisedWorker {
  const { entry, applicationName, task, resourceLimits = {} } = options;
  // A line of code that imports the file: under `--input-type`, Node would refuse the file itself.
  const program = `import(${JSON.stringify(entry.href)})`;
  const name = `kahn ${applicationName}`;
  const worker = new Worker(program, { eval: true, workerData: task, resourceLimits, name });
  const { threadId } = worker; // -1 after the exit
  let death: unknown;
  worker.on('message', (received) => {
    const message = messageIn<WorkerMessage>(received);
    if (message === undefined) return;
    if (message.kind === 'closed') void worker.terminate(); // timers and handles of policies may keep it alive
    hooks.onMessage(message);
  });
  worker.on('error', (error) => {
    death = error ?? new ExitedError(messageOf(error));
  });
  worker.on('exit', (code) => {
    options.exited(threadId);
    hooks.onExit(death ?? new ExitedError(`exited with code ${code}`));
  });
  return {
    close: () => worker.postMessage(enclosed(closeMessage)),
    terminate: () => worker.terminate(),
  };
}
