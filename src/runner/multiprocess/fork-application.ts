import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RemoteError } from '../../util/portable-error.ts';
import { ExitedError, type Peer, type PeerHooks, programBeside } from '../peers/peer.ts';
import { inheritedArguments } from './inherited-arguments.ts';
import { Outbox } from './outbox.ts';
import { type Answer, mergedNames, type Order, type ProcessTask, type Report } from './task.ts';

/** A process that runs an application, seen by who has started it. */
export interface ForkedApplication extends Peer {
  /** Tells it that the log of an upstream has grown. */
  prompt(upstreamName: string): void;
}

/** Who hears of it. */
export interface ForkHooks extends PeerHooks {
  reported(report: Report): void;
}

const program = fileURLToPath(programBeside(import.meta.url, 'entry'));

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
  let death: unknown;
  const forked: ForkedApplication = {
    prompt: (upstreamName) => prompts.put([upstreamName]),
    close: () => tell({ kind: 'close' }),
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
        death = new RemoteError(answer.error);
        break;
      case 'taken':
        prompts.taken();
        break;
      case 'ready':
        prompts.taken();
        hooks.hear(answer, forked);
        break;
      default:
        hooks.hear(answer, forked);
    }
  });
  // Once it has ended and all it has said was heard; after an error it may be that it has never begun.
  const end = (how: unknown) => {
    ended.resolve();
    hooks.ended(death ?? how);
  };
  child.once('close', (code, signal) => end(new ExitedError(howItEnded(code, signal))));
  child.on('error', (error) => {
    if (child.pid === undefined) death = error;
  });
  tell({ kind: 'task', task });
  return forked;
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it has ended with exit code ${code}` : `it was ended by ${signal}`;
}
