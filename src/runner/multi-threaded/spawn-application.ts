import type { ResourceLimits } from 'node:worker_threads';
import { spawnThread } from '../supervised/spawn-thread.ts';
import { type SupervisedWorker, siblingProgram, type WorkerHooks } from '../supervised/worker.ts';
import { closeMessage, type ThreadMessage, type ThreadTask } from './protocol.ts';

/** What a thread of an application is started with. */
export interface ApplicationThreadOptions {
  readonly applicationName: string;
  readonly task: ThreadTask;
  readonly resourceLimits: ResourceLimits | undefined;
  /** Called with the id of the worker when it has ended, in whatever way. */
  ended(threadId: number): void;
}

const entry = siblingProgram(import.meta.url, 'worker-thread-entry');

/** Starts a thread that runs an application. */
export function spawnApplication(options: ApplicationThreadOptions, hooks: WorkerHooks): SupervisedWorker {
  const { applicationName, task, resourceLimits, ended } = options;
  const thread = spawnThread<ThreadMessage>({
    entry,
    applicationName,
    task,
    resourceLimits,
    hear: (message) => {
      if (message.kind === 'closed')
        void thread.terminate(); // whatever its policies have left open
      else hooks.hear(message);
    },
    ended: (death, threadId) => {
      ended(threadId);
      hooks.ended(death);
    },
  });
  const peer: SupervisedWorker = {
    close: () => thread.tell(closeMessage),
    terminate: () => thread.terminate(),
  };
  return peer;
}
