import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { bound } from './bound.ts';
import { BoundMemory } from './bound-memory.ts';
import { BoundSqlite } from './bound-sqlite.ts';
import { library } from './library.ts';
import { inNewDirectory } from './measure.ts';
import { boundPostgres } from './postgres/bound-postgres.ts';
import { inNewSchema } from './postgres/schema.ts';
import type { Contestant, Workload } from './workloads.ts';

/** A storage that both can work on. */
export interface StorageKind {
  readonly name: string;
  /** How many events a round records: so many that it takes some tenths of a second. */
  readonly events: number;
  /** The target of a workload here; undefined if there is none. */
  targetOf(workload: Workload): number | undefined;
  /** Does the work in a new directory or schema, and removes it. */
  inNewPlace<T>(work: (place: string) => Promise<T>): Promise<T>;
  readonly ours: (place: string) => Contestant;
  readonly bound: (place: string) => Contestant;
}

/** Those in this process, with their files below a directory. */
export function localStorages(directory: string): readonly StorageKind[] {
  const inNewPlace = <T>(work: (place: string) => Promise<T>) => inNewDirectory(directory, work);
  const sqliteKind = (synchronous: 'FULL' | 'NORMAL'): StorageKind => ({
    name: `SQLite ${synchronous}`,
    events: 10_000,
    targetOf: ({ targets }) => (synchronous === 'FULL' ? targets.FULL : undefined),
    inNewPlace,
    ours: (place) => library(sqlite({ directory: place, synchronous })),
    bound: (place) => bound(() => new BoundSqlite(place, synchronous)),
  });
  return [
    {
      name: 'memory',
      events: 25_000,
      targetOf: ({ targets }) => targets.memory,
      inNewPlace,
      ours: () => library(memory()),
      bound: () => bound(() => new BoundMemory()),
    },
    sqliteKind('FULL'),
    sqliteKind('NORMAL'),
  ];
}

export const postgresName = 'PostgreSQL';

/** The one on a server. */
export function postgresStorage(connectionString: string): StorageKind {
  return {
    name: postgresName,
    events: 5_000,
    targetOf: ({ targets }) => targets.PostgreSQL,
    inNewPlace: (work) => inNewSchema(connectionString, work),
    ours: (schema) => library(postgres({ connectionString, schema })),
    bound: (schema) => boundPostgres(connectionString, schema),
  };
}
