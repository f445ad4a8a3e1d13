import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { connectionString } from '../../../support/servers/postgres.ts';
import { inTime } from '../../../support/until.ts';
import type { Outcome, Task } from './recorder-child.ts';

/** Performs tasks in one process each at the same time, and returns their outcomes. */
export async function inProcesses(tasks: readonly Task[], url = connectionString): Promise<Outcome[]> {
  const children = tasks.map((task) => start(task, url));
  await Promise.all(children.map((child) => requestJson(child))); // until all are ready
  return Promise.all(
    children.map((child) => {
      const outcome = requestJson(child);
      child.send('go');
      return outcome;
    }),
  );
}

function start(task: Task, url: string): ChildProcess {
  const file = new URL('./recorder-child.ts', import.meta.url);
  const child = fork(file, [url, JSON.stringify(task)], { execArgv: ['--conditions=kahn-source'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function requestJson(child: ChildProcess): Promise<Outcome> {
  const [answer] = await once(child, 'message', { signal: inTime() });
  return answer;
}
