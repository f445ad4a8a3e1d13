import { type ChildProcess, fork } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { RemoteError } from '../../util/portable-error.ts';
import { enclosed, messageIn } from '../supervised/envelope.ts';
import { ExitedError, type SupervisedWorker, type WorkerHooks } from '../supervised/worker.ts';
import { workerProgram } from '../supervised/worker-program.ts';
import { MergingOutbox } from './merging-outbox.ts';
import { inheritedNodeOptions } from './node-options.ts';
import {
  mergeNames,
  type ParentMessage,
  type ProcessMessage,
  type ProcessReport,
  type ProcessTask,
} from './protocol.ts';

/** A process that runs an application, from the side of its parent. */
export interface ForkedApplication extends SupervisedWorker {
  /** Prompts the process: the log of an upstream has grown. */
  prompt(upstreamName: string): void;
}

export interface ForkHooks extends WorkerHooks {
  onReport(report: ProcessReport): void;
}

/** Time for a process to exit after it has reported that it is closed, in ms. */
const exitTimeoutMs = 5_000;

/**
 * Returns the path of the program of a process.
 *
 * @throws {@link BundledError} if there is no such file.
 */
export function processProgram(runner: string): string {
  return fileURLToPath(workerProgram(import.meta.url, 'worker-process-entry', runner));
}

/** Starts a process that runs an application. */
export function forkApplication(program: string, task: ProcessTask, hooks: ForkHooks): ForkedApplication {
  const child = fork(program, {
    execArgv: inheritedNodeOptions(process.execArgv),
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const send = (message: ParentMessage) => {
    if (child.connected) child.send(enclosed(message), () => {}); // an error means that the process is gone
  };
  const prompts = new MergingOutbox<readonly string[]>(
    { send: (upstreamNames) => send({ kind: 'prompt', upstreamNames }), merge: mergeNames },
    false,
  );
  let isClosing = false;
  let hasClosed = false;
  let exitTimer: NodeJS.Timeout | undefined;
  let uncaught: unknown;
  child.on('message', (received) => {
    const message = messageIn<ProcessMessage>(received);
    if (message === undefined) return;
    switch (message.kind) {
      case 'report':
        send({ kind: 'taken' });
        hooks.onReport(message.report);
        break;
      case 'uncaught':
        uncaught = new RemoteError(message.error);
        break;
      case 'taken':
        prompts.taken();
        break;
      case 'closed':
        hasClosed = true;
        if (!isClosing) exitTimer = setTimeout(() => child.kill('SIGKILL'), exitTimeoutMs);
        break;
      case 'ready':
        prompts.taken();
        hooks.onMessage(message);
        break;
      default:
        hooks.onMessage(message);
    }
  });
  const exited = exitOf(child).then(({ error, code, signal }) => {
    clearTimeout(exitTimer);
    // The process may have survived an uncaught error; then it exits with code 0 or by a signal.
    const cause = error ?? (signal === null && code !== 0 ? uncaught : undefined);
    hooks.onExit(cause ?? new ExitedError(hasClosed ? 'exited normally' : describeExit(code, signal)));
  });
  send({ kind: 'task', task });
  return {
    prompt: (upstreamName) => prompts.put([upstreamName]),
    close: () => {
      isClosing = true; // from now on, the supervisor terminates the process in time
      clearTimeout(exitTimer);
      send({ kind: 'close' });
    },
    terminate: () => {
      child.kill('SIGKILL');
      return exited;
    },
  };
}

interface Exit {
  /** Error that kept the process from starting. */
  readonly error: unknown;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Resolves when a process has exited and all its messages were read. */
function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  let error: unknown;
  child.on('error', (thrown) => {
    if (child.pid === undefined) error = thrown;
  });
  child.once('close', (code, signal) => resolve({ error, code, signal }));
  return promise;
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
}
