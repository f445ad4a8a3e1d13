import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import type { RunnerSubject } from 'kahn/testing';
import { temporaryPostgres } from '../../support/servers/postgres.ts';

type Kept = Pick<RunnerSubject, 'create' | 'rows'>;

export const inMemory: Kept = {
  rows: 'sqlite',
  create: async () => ({ storage: memory(), cleanUp: async () => {} }),
};

export const inSqlite: Kept = {
  rows: 'sqlite',
  async create() {
    const directory = await mkdtemp(join(tmpdir(), 'kahn-contract-'));
    return {
      storage: sqlite({ file: join(directory, 'system.db'), synchronous: 'NORMAL' }),
      cleanUp: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

/** Schemas that are dropped when the test has finished. */
export const inPostgres: Kept = {
  rows: 'postgres',
  create: async () => ({ storage: temporaryPostgres(), cleanUp: async () => {} }),
};
