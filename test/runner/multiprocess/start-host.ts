import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { inTime, until } from '../../support/until.ts';
import type { HostOrder, HostTask } from './host.ts';

const program = new URL('./host.ts', import.meta.url);

/** A process that runs the shop in processes of its own. */
export interface Host {
  readonly process: ChildProcess;
  /** Those that it has started at first. */
  readonly pids: readonly number[];
  /** With which code or by which signal it ends. */
  readonly ended: Promise<unknown[]>;
  /** The next thing that it says. */
  said(): Promise<unknown>;
  /** Tells it what to do, and resolves when it is done. */
  told(order: HostOrder): Promise<void>;
}

/** Starts a host, in a group of processes of its own, as a terminal does. */
export async function startHost(task: HostTask): Promise<Host> {
  const child = fork(program, [JSON.stringify(task)], { execArgv: ['--conditions=source'], detached: true });
  const said = async () => {
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
  pids = (await said()) as number[];
  const told = async (order: HostOrder) => {
    const done = said();
    child.send(order);
    await done;
  };
  return { process: child, pids, ended, said, told };
}

/** Whether a process is there and has not ended; where nobody takes note of its end, it stays there for ever. */
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

/** Waits until all these processes are gone, and tells how long that took, in milliseconds. */
export async function untilGone(pids: readonly number[]): Promise<number> {
  const start = performance.now();
  await until('the processes are gone', () => !pids.some(isRunning));
  return performance.now() - start;
}
