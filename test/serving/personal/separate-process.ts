import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StorageDescription } from 'kahn';
import { onTestFinished } from 'vitest';
import { inTime } from '../../support/until.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

/** A process that runs the lists, or the office that follows them. */
export class SeparateProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a process for the running test. @param url Where the lists are served, for an office that follows them. */
  static async start(storage: StorageDescription, url?: string): Promise<SeparateProcess> {
    const args = [JSON.stringify(storage), ...(url === undefined ? [] : [url])];
    const child = fork(program, args, { execArgv: ['--conditions=kahn-source'] });
    onTestFinished(async () => {
      const exited = once(child, 'exit');
      if (child.kill('SIGKILL')) await exited;
    });
    await once(child, 'message', { signal: inTime() });
    return new SeparateProcess(child);
  }

  /** Asks the process one question at a time. */
  async ask<T>(question: string, ...given: readonly unknown[]): Promise<T> {
    const answered = once(this.#child, 'message', { signal: inTime() });
    this.#child.send({ question, given });
    const [{ answer }] = await answered;
    return answer as T;
  }
}
