import { statSync } from 'node:fs';
import { join } from 'node:path';
import { memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { type SqliteOptions, sqlite } from 'kahn/sqlite';
import { tablesOf } from '../src/storage/postgres/tables.ts';
import { layoutOf } from '../src/storage/sqlite/layout/layouts.ts';
import { settingsFrom } from '../src/storage/sqlite/options.ts';
import { baseline } from './baseline/candidate.ts';
import { BaselineMemory } from './baseline/memory.ts';
import { BaselineSqlite } from './baseline/sqlite.ts';
import { inNewDirectory } from './measure.ts';
import { postgresBaseline } from './postgres/baseline-candidate.ts';
import { inNewSchema, tableBytes } from './postgres/schema.ts';
import type { Candidate, Workload } from './workloads.ts';

/** Empty storage, and the baseline on the same storage. */
export interface FreshStorage {
  readonly storage: StorageDescription;
  readonly baseline: Candidate;
  /** Bytes that the events of the application `orders` take; undefined on storage without rows. */
  eventBytes?(): Promise<number>;
}

/** A kind of storage to measure on. */
export interface StorageKind {
  readonly name: string;
  /** Events that a round of a workload records, chosen so that it takes some tenths of a second. */
  readonly events: number;
  /** Target of a workload on this storage, in percent of the baseline; undefined if there is none. */
  targetOf(workload: Workload): number | undefined;
  /** Does the work with temporary storage. */
  withFreshStorage<T>(work: (fresh: FreshStorage) => Promise<T>): Promise<T>;
}

export const memoryKind: StorageKind = {
  name: 'memory',
  events: 25_000,
  targetOf: ({ targets }) => targets.memory,
  withFreshStorage: (work) => work({ storage: memory(), baseline: baseline(() => new BaselineMemory()) }),
};

/** SQLite in a temporary directory below `parent`: one file for the system, or one per application. */
export function sqliteKind(
  parent: string,
  synchronous: 'FULL' | 'NORMAL',
  layout: 'file' | 'directory' = 'file',
): StorageKind {
  return {
    name: layout === 'file' ? `SQLite ${synchronous}` : `${synchronous} dir`,
    events: 10_000,
    targetOf: ({ targets }) => (synchronous === 'FULL' ? targets.FULL : undefined),
    withFreshStorage: (work) =>
      inNewDirectory(parent, (directory) => {
        const options: SqliteOptions =
          layout === 'file' ? { file: join(directory, 'shop.db') } : { directory };
        const files = layoutOf(settingsFrom(options));
        return work({
          storage: sqlite({ ...options, synchronous }),
          baseline: baseline(() => new BaselineSqlite(files, synchronous)),
          eventBytes: async () => statSync(files.fileOf('orders').path).size,
        });
      }),
  };
}

export const postgresName = 'PostgreSQL';

/** PostgreSQL on the server whose URL `connect` resolves with. */
export function postgresKind(connect: () => Promise<string>): StorageKind {
  return {
    name: postgresName,
    events: 5_000,
    targetOf: ({ targets }) => targets.PostgreSQL,
    async withFreshStorage(work) {
      const connectionString = await connect();
      return inNewSchema(connectionString, (schema) =>
        work({
          storage: postgres({ connectionString, schema }),
          baseline: postgresBaseline(connectionString, schema),
          eventBytes: () => tableBytes(connectionString, tablesOf(schema, 'orders', '').events),
        }),
      );
    },
  };
}
