import { memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { bound } from './baseline.ts';
import { BoundMemory } from './baseline-memory.ts';
import { BoundSqlite } from './baseline-sqlite.ts';
import { inNewDirectory } from './measure.ts';
import { boundPostgres } from './postgres/baseline-postgres.ts';
import { inNewSchema } from './postgres/schema.ts';
import type { Contestant, Workload } from './workloads.ts';

/** A new directory or schema, or new memory. */
export interface Place {
  readonly storage: StorageDescription;
  /** What is written by hand, at the same place. */
  readonly bound: Contestant;
}

/** A storage to be measured on. */
export interface StorageKind {
  readonly name: string;
  /** How many events a round of the workloads records: so many that it takes some tenths of a second. */
  readonly events: number;
  /** The target of a workload here; undefined if there is none. */
  targetOf(workload: Workload): number | undefined;
  /** Does the work at a new place, and removes it. */
  inNewPlace<T>(work: (place: Place) => Promise<T>): Promise<T>;
}

export const memoryKind: StorageKind = {
  name: 'memory',
  events: 25_000,
  targetOf: ({ targets }) => targets.memory,
  inNewPlace: (work) => work({ storage: memory(), bound: bound(() => new BoundMemory()) }),
};

/** SQLite, with its files below a directory. */
export function sqliteKind(parent: string, synchronous: 'FULL' | 'NORMAL'): StorageKind {
  return {
    name: `SQLite ${synchronous}`,
    events: 10_000,
    targetOf: ({ targets }) => (synchronous === 'FULL' ? targets.FULL : undefined),
    inNewPlace: (work) =>
      inNewDirectory(parent, (directory) =>
        work({
          storage: sqlite({ directory, synchronous }),
          bound: bound(() => new BoundSqlite(directory, synchronous)),
        }),
      ),
  };
}

export const postgresName = 'PostgreSQL';

/** PostgreSQL on the server that `connect` leads to. */
export function postgresKind(connect: () => Promise<string>): StorageKind {
  return {
    name: postgresName,
    events: 5_000,
    targetOf: ({ targets }) => targets.PostgreSQL,
    async inNewPlace(work) {
      const connectionString = await connect();
      return inNewSchema(connectionString, (schema) =>
        work({
          storage: postgres({ connectionString, schema }),
          bound: boundPostgres(connectionString, schema),
        }),
      );
    },
  };
}
