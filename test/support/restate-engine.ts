import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const patienceMs = 30_000;

/** One node of a Restate engine, with its data in a temporary directory. */
export class RestateEngine implements AsyncDisposable {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly #directory: string;
  readonly #environment: Readonly<Record<string, string>>;
  #server: ChildProcess | undefined;

  private constructor(directory: string, ingressPort: number, adminPort: number, nodePort: number) {
    this.ingressUrl = `http://127.0.0.1:${ingressPort}`;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.#directory = directory;
    this.#environment = {
      DO_NOT_TRACK: '1',
      RESTATE_BASE_DIR: directory,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${nodePort}`,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_NODE_NAME: 'one',
      RESTATE_DEFAULT_NUM_PARTITIONS: '4',
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '128MiB',
      RESTATE_LOG_FILTER: 'warn,octocrab=off',
    };
  }

  /** Starts a new engine. */
  static async start(): Promise<RestateEngine> {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-restate-'));
    const engine = new RestateEngine(directory, await freePort(), await freePort(), await freePort());
    await engine.startAgain();
    return engine;
  }

  /** Starts it again after it was killed. */
  async startAgain(): Promise<void> {
    this.#server = spawn(program(), {
      env: { ...process.env, ...this.#environment },
      cwd: this.#directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server.stdout?.on('data', (d) => process.env.SHOW && process.stdout.write(d));
    this.#server.stderr?.on('data', (d) => process.env.SHOW && process.stdout.write(d));
    const deadline = performance.now() + patienceMs;
    while (
      !(await isHealthy(`${this.adminUrl}/health`)) ||
      !(await isHealthy(`${this.ingressUrl}/restate/health`))
    ) {
      if (performance.now() > deadline) throw new Error('The engine did not start.');
      await delay(20);
    }
  }

  get pid() {
    return this.#server?.pid;
  }

  /** Ends it in the middle of its work. */
  async kill(): Promise<void> {
    if (this.#server === undefined || this.#server.exitCode !== null) return;
    const exited = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await exited;
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function program(): string {
  const { platform, arch } = process;
  const inServer = createRequire(require.resolve('@restatedev/restate-server/package.json'));
  return inServer.resolve(`@restatedev/restate-server-${platform}-${arch}/bin/restate-server`);
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
