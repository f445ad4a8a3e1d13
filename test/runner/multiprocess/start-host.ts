import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { inTime, until } from '../../support/until.ts';
import type { HostMessage, HostTask } from './host.ts';

const program = new URL('./host.ts', import.meta.url);

/** A process that runs the shop with a multiprocess runner. */
export interface Host {
  readonly process: ChildProcess;
  /** Processes that the host started first. */
  readonly pids: readonly number[];
  /** Exit code and signal of the host. */
  readonly ended: Promise<unknown[]>;
  /** Resolves with the next message of the host. */
  nextMessage(): Promise<unknown>;
  /** Sends a message; resolves when the host has answered it. */
  send(message: HostMessage): Promise<void>;
}

/** Starts a host in its own process group, as a terminal does. */
export async function startHost(task: HostTask): Promise<Host> {
  const child = fork(program, [JSON.stringify(task)], {
    execArgv: ['--conditions=kahn-source'],
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  child.stderr?.on('data', (text) => console.error(`${text}`)); // is shown if the test fails
  const nextMessage = async () => {
    const [message] = await once(child, 'message', { signal: inTime() });
    return message;
  };
  const ended = new Promise<unknown[]>((resolve) => {
    child.once('exit', (...how) => resolve(how));
  });
  let pids: number[] = [];
  onTestFinished(async () => {
    child.kill('SIGKILL');
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
    await ended;
  });
  pids = (await nextMessage()) as number[];
  const send = async (message: HostMessage) => {
    const done = nextMessage();
    child.send(message);
    await done;
  };
  return { process: child, pids, ended, nextMessage, send };
}

/** Whether a process is running. One that has exited remains as a zombie until its parent reads its status. */
export function isRunning(pid: number): boolean {
  if (!existsSync('/proc/self/stat')) {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
  try {
    const [, state] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** Waits until all these processes are gone; resolves with the time that took, in ms. */
export async function untilGone(pids: readonly number[]): Promise<number> {
  const start = performance.now();
  await until('the processes are gone', () => !pids.some(isRunning));
  return performance.now() - start;
}
