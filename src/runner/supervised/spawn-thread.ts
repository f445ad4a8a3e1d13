import { type ResourceLimits, Worker } from 'node:worker_threads';
import { ExitedError } from './worker.ts';

/** A thread that runs one application. */
export interface Thread {
  tell(message: string): void;
  terminate(): Promise<unknown>;
}

/** How a thread is started, and who hears of it. */
export interface ThreadOptions<Message> {
  /** The URL of its program, see `siblingProgram`. */
  readonly entry: URL;
  readonly applicationName: string;
  /** Plain data that the program gets. */
  readonly task: unknown;
  readonly resourceLimits?: ResourceLimits | undefined;
  hear(message: Message, thread: Thread): void;
  /** Called when it has ended, in whatever way, with what it died of. */
  ended(death: unknown, threadId: number): void;
}

/** Starts a thread. */
export function spawnThread<Message>(options: ThreadOptions<Message>): Thread {
  const { entry, applicationName, task, resourceLimits = {} } = options;
  // Imported by a line of code: a file would be refused in a program that was given to Node with `--input-type`.
  const program = `import(${JSON.stringify(entry.href)})`;
  const name = `kahn ${applicationName}`;
  const worker = new Worker(program, { eval: true, workerData: task, resourceLimits, name });
  const { threadId } = worker;
  const thread: Thread = {
    tell: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
  };
  let death: unknown;
  worker.on('message', (message: Message) => options.hear(message, thread));
  worker.on('error', (error) => {
    death = error;
  });
  worker.on('exit', (code) => {
    options.ended(death ?? new ExitedError(`it has ended with exit code ${code}`), threadId);
  });
  return thread;
}
