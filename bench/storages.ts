import { memory } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { bound } from './bound.ts';
import { BoundMemory } from './bound-memory.ts';
import { BoundSqlite } from './bound-sqlite.ts';
import { library } from './library.ts';
import type { Contestant, Workload } from './workloads.ts';

/** A storage that both can work on. */
export interface StorageKind {
  readonly name: string;
  /** How many events a round records: so many that it takes some tenths of a second. */
  readonly events: number;
  /** The target of a workload here; undefined if there is none. */
  targetOf(workload: Workload): number | undefined;
  ours(directory: string): Contestant;
  bound(directory: string): Contestant & Disposable;
}

export const storages: readonly StorageKind[] = [
  {
    name: 'memory',
    events: 25_000,
    targetOf: ({ targets }) => targets.memory,
    ours: () => library(memory()),
    bound: () => closing(new BoundMemory()),
  },
  sqliteKind('FULL', 10_000),
  sqliteKind('NORMAL', 10_000),
];

function sqliteKind(synchronous: 'FULL' | 'NORMAL', events: number): StorageKind {
  return {
    name: `SQLite ${synchronous}`,
    events,
    targetOf: ({ targets }) => (synchronous === 'FULL' ? targets.FULL : undefined),
    ours: (directory) => library(sqlite({ directory, synchronous })),
    bound: (directory) => closing(new BoundSqlite(directory, synchronous)),
  };
}

function closing(storage: BoundMemory | BoundSqlite): Contestant & Disposable {
  return { ...bound(storage), [Symbol.dispose]: () => storage.close() };
}
