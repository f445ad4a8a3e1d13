import { memory, type StorageDescription } from 'kahn';
import { onTestFinished } from 'vitest';
import { query, temporaryPostgres } from '../../servers/postgres.ts';
import { freshName } from '../../servers/postgres-server.ts';
import { temporarySqlite } from '../../storages.ts';
import { PostgresTallies, postgresTallies } from './postgres-tallies.ts';
import { SqliteTallies, sqliteTallies } from './sqlite-tallies.ts';
import type { Execute } from './tally.ts';

/** A storage with the application that records rows in it. */
export interface TestedTallies {
  readonly name: string;
  readonly Tallies: typeof SqliteTallies;
  readonly system: typeof sqliteTallies;
  create(): StorageDescription;
  /** Returns the name of a table for the running test. */
  table(): string;
  /** Executes SQL with a handle. */
  executedBy(handle: unknown): Execute;
}

const onSqlite = {
  Tallies: SqliteTallies,
  system: sqliteTallies,
  table: () => 'tally_rows',
  executedBy: (handle: unknown) => async (text: string) =>
    (handle as { prepare(text: string): { all(): Record<string, unknown>[] } }).prepare(text).all(),
};

export const talliesInMemory: TestedTallies = { name: 'memory', create: () => memory(), ...onSqlite };

export const talliesInSqlite: TestedTallies = { name: 'sqlite', create: temporarySqlite, ...onSqlite };

export const talliesInPostgres: TestedTallies = {
  name: 'postgres',
  Tallies: PostgresTallies as unknown as typeof SqliteTallies,
  system: postgresTallies as unknown as typeof sqliteTallies,
  create: () => temporaryPostgres(),
  table() {
    const name = freshName('tallies');
    onTestFinished(async () => void (await query(`drop table if exists ${name}`)));
    return name;
  },
  executedBy: (handle) => async (text) =>
    (await (handle as { query(text: string): Promise<{ rows: Record<string, unknown>[] }> }).query(text))
      .rows,
};

export const testedTallies: readonly TestedTallies[] = [talliesInMemory, talliesInSqlite, talliesInPostgres];
