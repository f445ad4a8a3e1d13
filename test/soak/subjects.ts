import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import pg from 'pg';
import type { Orders } from '../../examples/shop/orders.ts';
import type { Payments } from '../../examples/shop/payments.ts';
import type { Reservations } from '../../examples/shop/reservations.ts';
import { freshName, PostgresServer } from '../support/servers/postgres-server.ts';
import { connectionMemory, connections, walSize } from './measures.ts';
import { privateMemoryOf } from './process-files.ts';
import type { Reading } from './readings.ts';

type Apps = typeof Orders | typeof Reservations | typeof Payments;

/** Empty storage for a soak test, removed when it is disposed of. */
export interface SoakedStorage extends AsyncDisposable {
  readonly storage: StorageDescription;
  /** Measures what belongs to the storage. */
  read(): Promise<readonly Reading[]>;
}

/** A runner and a storage to be tested. */
export interface SoakSubject {
  readonly name: string;
  readonly pipelineIds: readonly number[];
  open(): Promise<SoakedStorage>;
  /** Starts a runner on the storage to which a system is bound. */
  start(system: System<Apps>): Promise<SystemRunner<Apps>>;
}

const pipelineIds = [0, 1];

export const subjects: readonly SoakSubject[] = [
  {
    name: 'MultiprocessRunner on PostgreSQL, two pipelines',
    pipelineIds,
    open: openPostgres,
    start: (system) => MultiprocessRunner.start(system, { pipelineIds }),
  },
  {
    name: 'MultiThreadedRunner on a SQLite file',
    pipelineIds: [0],
    open: openSqlite,
    start: (system) => MultiThreadedRunner.start(system),
  },
];

/** Starts a server, so that the memory behind its connections can be read. */
async function openPostgres(): Promise<SoakedStorage> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await PostgresServer.start());
  const schema = freshName('soak');
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  opened.defer(() => client.end());
  const moved = opened.move();
  return {
    storage: postgres({ connectionString: server.url(), schema }),
    async read() {
      const { rows } = await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      );
      const memory = rows.map(({ pid }) => privateMemoryOf(pid));
      const mean = memory.reduce((sum, one) => sum + one, 0) / memory.length;
      return [
        { subject: 'PostgreSQL', measure: connections, value: rows.length },
        { subject: 'PostgreSQL', measure: connectionMemory, value: mean },
      ];
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

async function openSqlite(): Promise<SoakedStorage> {
  const directory = mkdtempSync(join(tmpdir(), 'kahn-soak-'));
  const file = join(directory, 'shop.db');
  return {
    storage: sqlite({ file }),
    read: async () => [{ subject: 'SQLite', measure: walSize, value: statSync(`${file}-wal`).size }],
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true }),
  };
}
