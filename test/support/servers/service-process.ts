import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inTime } from '../until.ts';

const program = fileURLToPath(new URL('../../actors/restate/shop-service.ts', import.meta.url));

/** A service of the shop in a separate process. */
export class ServiceProcess implements AsyncDisposable {
  readonly port: number;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(connectionString: string, schema: string, systemActorName: string, port: number) {
    this.port = port;
    this.#args = [connectionString, schema, systemActorName, `${port}`];
  }

  /** Starts the process, also after it has exited. Rejects if the process exits before it is ready. */
  async start(): Promise<void> {
    const child = fork(program, this.#args, { execArgv: ['--conditions=kahn-source'] });
    this.#child = child;
    const ended = new AbortController();
    const signal = AbortSignal.any([inTime(), ended.signal]);
    const exited = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`The service at port ${this.port} exited with code ${code} before it was ready.`);
    });
    await Promise.race([once(child, 'message', { signal }), exited]);
    exited.catch(() => {}); // aborted
    ended.abort();
  }

  /** Sends the process a signal and resolves with its exit code. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  }

  /**
   * Resolves when the process has died right after an application recorded something, before the engine receives the
   * result.
   */
  async dieAfterStepOf(applicationName: string): Promise<void> {
    const child = this.#child!;
    const exited = once(child, 'exit', { signal: inTime() });
    child.send(applicationName);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
