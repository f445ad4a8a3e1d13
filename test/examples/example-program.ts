import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Exit and output of a program. */
export interface Outcome {
  readonly code: number | null;
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the main program of an example in a separate process. */
export function startExample(example: string, ...args: readonly string[]) {
  const main = fileURLToPath(new URL(`../../examples/${example}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=kahn-source', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = Promise.withResolvers<Pick<Outcome, 'code' | 'killed'>>();
  child
    .on('error', exit.reject)
    .on('close', (code, signal) => exit.resolve({ code, killed: signal === 'SIGKILL' }));
  const ended = Promise.all([exit.promise, text(child.stdout), text(child.stderr)]);
  const outcome = ended.then(([exited, stdout, stderr]): Outcome => ({ ...exited, stdout, stderr }));
  return { child, outcome };
}
