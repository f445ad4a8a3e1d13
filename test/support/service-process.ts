import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inTime } from './until.ts';

const program = fileURLToPath(new URL('../actors/restate/shop-service.ts', import.meta.url));

/** A service of the shop in a process of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly port: number;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(connectionString: string, schema: string, systemActorName: string, port: number) {
    this.port = port;
    this.#args = [connectionString, schema, systemActorName, `${port}`];
  }

  /** Starts it, or starts it again after it has ended. */
  async start(): Promise<void> {
    this.#child = fork(program, this.#args, { execArgv: ['--conditions=source'] });
    await once(this.#child, 'message', { signal: inTime() });
  }

  /** Ends it in the middle of its work, or asks it to end; resolves with its exit code when it has. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  }

  /** Has it die when an application has recorded something, before the engine hears of it; resolves when it has. */
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
