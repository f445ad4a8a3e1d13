import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { inTime } from '../../../support/until.ts';
import type { Message, Task } from './command-child.ts';

/** Starts a process for a task. Resolves when it is ready. */
export async function startChild(task: Task): Promise<ChildProcess> {
  const file = new URL('./command-child.ts', import.meta.url);
  const child = fork(file, [JSON.stringify(task)], { execArgv: ['--conditions=kahn-source'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message', { signal: inTime() });
  return child;
}

/** Lets processes begin, and resolves with the messages of each until its end. */
export async function messagesOf(
  children: readonly ChildProcess[],
): Promise<readonly (readonly Message[])[]> {
  return await Promise.all(
    children.map(async (child) => {
      const messages: Message[] = [];
      child.on('message', (message: Message) => {
        if (message === 'done') child.disconnect();
        else messages.push(message);
      });
      child.send('go');
      await once(child, 'exit', { signal: inTime() });
      return messages;
    }),
  );
}
