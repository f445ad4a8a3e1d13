import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
import { freePort } from './free-port.ts';

const require = createRequire(import.meta.url);

/** Servers to kill when this process exits. */
const servers = new Set<ChildProcess>();
process.on('exit', () => {
  for (const server of servers) server.kill('SIGKILL');
});

/** One node of a Restate engine: a process. */
export class RestateNode implements AsyncDisposable {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly #environment: NodeJS.ProcessEnv;
  #server: ChildProcess | undefined;

  constructor(ports: readonly [number, number, number], environment: NodeJS.ProcessEnv) {
    const [ingress, admin, node] = ports;
    this.ingressUrl = `http://127.0.0.1:${ingress}`;
    this.adminUrl = `http://127.0.0.1:${admin}`;
    this.#environment = {
      ...process.env,
      DO_NOT_TRACK: '1',
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_DEFAULT_NUM_PARTITIONS: '4',
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '128MiB',
      RESTATE_LOG_FILTER: 'warn,octocrab=off',
      ...environment,
    };
  }

  /** Starts the node, also after it was killed. */
  async start(): Promise<void> {
    const server = spawn(program(), { env: this.#environment, stdio: 'ignore' });
    servers.add(server);
    server.once('exit', () => servers.delete(server));
    this.#server = server;
    await until('the engine answers', () => this.#isHealthy());
  }

  /** Kills the node with SIGKILL. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #isHealthy(): Promise<boolean> {
    const urls = [`${this.adminUrl}/health`, `${this.ingressUrl}/restate/health`];
    const answers = await Promise.all(urls.map((url) => fetch(url).catch(() => undefined)));
    return answers.every((answer) => answer?.ok);
  }
}

/** An engine with its data in a temporary directory. */
export class RestateEngine implements AsyncDisposable {
  readonly nodes: readonly RestateNode[];
  readonly directory: string;

  private constructor(directory: string, nodes: readonly RestateNode[]) {
    this.directory = directory;
    this.nodes = nodes;
  }

  /** Starts an engine with `count` nodes. Several nodes form a cluster that stores everything on two of them. */
  static async start(count = 1, environment: NodeJS.ProcessEnv = {}): Promise<RestateEngine> {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-restate-'));
    const ports: [number, number, number][] = [];
    for (let i = 0; i < count; i += 1) ports.push([await freePort(), await freePort(), await freePort()]);
    const addresses = ports.map(([, , node]) => `http://127.0.0.1:${node}`);
    const nodes = ports.map(
      (own, i) => new RestateNode(own, { ...environmentOf(directory, addresses, i), ...environment }),
    );
    const engine = new RestateEngine(directory, nodes);
    try {
      await Promise.all(nodes.map((node) => node.start()));
      return engine;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** URL at which the first node accepts calls. */
  get ingressUrl(): string {
    return this.nodes[0]!.ingressUrl;
  }

  /** URL of the first node's admin API. */
  get adminUrl(): string {
    return this.nodes[0]!.adminUrl;
  }

  /** Runs a SQL query over the calls and state in the engine. */
  async query(query: string): Promise<readonly Record<string, unknown>[]> {
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ query }) };
    const answer = await fetch(`${this.adminUrl}/query`, init);
    return ((await answer.json()) as { readonly rows: readonly Record<string, unknown>[] }).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function environmentOf(directory: string, addresses: readonly string[], index: number): NodeJS.ProcessEnv {
  const own = join(directory, `node-${index + 1}`);
  mkdirSync(own);
  const alone = { RESTATE_BASE_DIR: own, RESTATE_NODE_NAME: `node-${index + 1}` };
  if (addresses.length === 1) return alone;
  return {
    ...alone,
    RESTATE_CLUSTER_NAME: 'kahn',
    RESTATE_AUTO_PROVISION: String(index === 0),
    RESTATE_DEFAULT_REPLICATION: '2',
    RESTATE_BIFROST__DEFAULT_PROVIDER: 'replicated',
    RESTATE_METADATA_CLIENT__TYPE: 'replicated',
    RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(addresses),
    RESTATE_ADVERTISED_ADDRESS: addresses[index],
  };
}

function program(): string {
  const { platform, arch } = process;
  const inServer = createRequire(require.resolve('@restatedev/restate-server/package.json'));
  return inServer.resolve(`@restatedev/restate-server-${platform}-${arch}/bin/restate-server`);
}
