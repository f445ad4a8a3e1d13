import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import type { PoolClient } from 'pg';

export interface Tables {
  paid_orders: { order_id: string; customer: string | null };
}

export const kyselyOnSqlite = (rows: DatabaseSync): Kysely<Tables> =>
  new Kysely({
    dialect: new SqliteDialect({ database: { prepare: (text) => prepare(rows, text), close() {} } }),
  });

export const kyselyOnPostgres = (rows: PoolClient): Kysely<Tables> =>
  new Kysely({
    dialect: new PostgresDialect({ pool: { options: {}, connect: async () => rows, end: async () => {} } }),
  });

function prepare(rows: DatabaseSync, text: string) {
  const statement = rows.prepare(text);
  const given = (values: readonly unknown[]) => values as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (values: readonly unknown[]) => statement.all(...given(values)),
    run: (values: readonly unknown[]) => statement.run(...given(values)),
    iterate: (values: readonly unknown[]) => statement.iterate(...given(values)) as IterableIterator<unknown>,
  };
}
