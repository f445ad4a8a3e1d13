import type { ResourceLimits } from 'node:worker_threads';
import { type Peer, type PeerHooks, programBeside } from '../supervised/worker.ts';
import { spawnThread } from '../supervised/spawn-thread.ts';
import { closeMessage, type ThreadMessage, type ThreadTask } from './protocol.ts';

/** What a thread of an application is started with. */
export interface ApplicationThreadOptions {
  readonly applicationName: string;
  readonly task: ThreadTask;
  readonly resourceLimits: ResourceLimits | undefined;
  /** Called with the id of the worker when it has ended, in whatever way. */
  ended(threadId: number): void;
}

const entry = programBeside(import.meta.url, 'entry');

/** Starts a thread that runs an application. */
export function spawnApplication(options: ApplicationThreadOptions, hooks: PeerHooks): Peer {
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
  const peer: Peer = { close: () => thread.tell(closeMessage), terminate: () => thread.terminate() };
  return peer;
}
