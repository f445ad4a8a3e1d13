import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RemoteError } from '../../util/portable-error.ts';
import {
  ExitedError,
  type SupervisedWorker,
  siblingProgram,
  type WorkerHooks,
} from '../supervised/worker.ts';
import { inheritedArguments } from './inherited-arguments.ts';
import { Outbox } from './outbox.ts';
import { type Answer, mergedNames, type Order, type ProcessTask, type Report } from './protocol.ts';

/** A process that runs an application, seen by who has started it. */
export interface ForkedApplication extends SupervisedWorker {
  /** Tells it that the log of an upstream has grown. */
  prompt(upstreamName: string): void;
}

/** Who hears of it. */
export interface ForkHooks extends WorkerHooks {
  reported(report: Report): void;
}

/** How long a process may take to exit when it has closed, if nobody waits for it with a time-out. */
const exitTimeoutMs = 5_000;
const program = fileURLToPath(siblingProgram(import.meta.url, 'worker-process-entry'));

/** Starts a process that runs an application. */
export function forkApplication(task: ProcessTask, hooks: ForkHooks): ForkedApplication {
  const child = fork(program, {
    execArgv: inheritedArguments(process.execArgv),
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const tell = (order: Order) => {
    if (child.connected) child.send(order, () => {}); // who is gone need not be told
  };
  const prompts = new Outbox<readonly string[]>(
    { send: (upstreamNames) => tell({ kind: 'prompt', upstreamNames }), merge: mergedNames },
    false,
  );
  const ended = Promise.withResolvers<void>();
  let isTold = false;
  let hasClosed = false;
  let exiting: NodeJS.Timeout | undefined;
  let uncaught: unknown;
  const forked: ForkedApplication = {
    prompt: (upstreamName) => prompts.put([upstreamName]),
    close: () => {
      isTold = true; // who closes it terminates it, too
      clearTimeout(exiting);
      tell({ kind: 'close' });
    },
    terminate: () => {
      child.kill('SIGKILL');
      return ended.promise;
    },
  };
  child.on('message', (answer: Answer) => {
    switch (answer.kind) {
      case 'report':
        tell({ kind: 'taken' });
        hooks.reported(answer.report);
        break;
      case 'uncaught':
        uncaught = new RemoteError(answer.error);
        break;
      case 'taken':
        prompts.taken();
        break;
      case 'ready':
        prompts.taken();
        hooks.hear(answer);
        break;
      case 'closed':
        hasClosed = true;
        if (!isTold) exiting = setTimeout(() => child.kill('SIGKILL'), exitTimeoutMs);
        break;
      default:
        hooks.hear(answer);
    }
  });
  let unborn: unknown;
  child.on('error', (error) => {
    if (child.pid === undefined) unborn = error;
  });
  // Once it has ended and all it has said was heard; after an error it may be that it has never begun.
  child.once('close', (code, signal) => {
    clearTimeout(exiting);
    // It may have survived an uncaught error: then that is not what it has died of.
    const cause = signal === null && code !== 0 ? uncaught : undefined;
    ended.resolve();
    hooks.ended(
      unborn ?? cause ?? new ExitedError(hasClosed ? 'it has ended in order' : howItEnded(code, signal)),
    );
  });
  tell({ kind: 'task', task });
  return forked;
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it has ended with exit code ${code}` : `it was ended by ${signal}`;
}
