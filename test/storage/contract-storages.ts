import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import type { RecorderSubject } from '../../src/testing/recorder-contract/recorder-contract.ts';
import { connectionString, query } from '../support/servers/postgres.ts';
import { freshName } from '../support/servers/postgres-server.ts';
import { byTier } from '../support/tier.ts';
import { testedPostgresRows, testedSqliteRows } from './tested-rows.ts';

const inMemory: RecorderSubject = {
  name: 'memory',
  create: async () => ({ storage: memory(), rows: testedSqliteRows, cleanUp: async () => {} }),
};

const inSqlite: RecorderSubject = {
  name: 'sqlite',
  async create() {
    const directory = await mkdtemp(join(tmpdir(), 'kahn-layers-'));
    const storage = sqlite({ file: join(directory, 'shop.db') });
    return { storage, rows: testedSqliteRows, cleanUp: () => rm(directory, { recursive: true }) };
  },
};

const inPostgres: RecorderSubject = {
  name: 'postgres',
  async create() {
    const schema = freshName('layers');
    const storage = postgres({ connectionString, schema });
    const rows = testedPostgresRows(schema);
    return {
      storage,
      rows,
      cleanUp: async () => void (await query(`drop schema if exists ${schema} cascade`)),
    };
  },
};

/** Storages for the contract of recorders with layers: memory in the quick tier, all in the exhaustive tier. */
export const contractStorages: readonly RecorderSubject[] = byTier(
  [inMemory],
  [inMemory, inSqlite, inPostgres],
);
