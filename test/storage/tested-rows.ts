import type { DatabaseSync } from 'node:sqlite';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { sqliteRows } from 'kahn/sqlite';
import type { TestedRows } from 'kahn/testing';

/** How the recorder contract uses handles of SQLite. */
export const testedSqliteRows: TestedRows = {
  kind: sqliteRows,
  table: 'tested_rows',
  async run(handle, text) {
    const database = handle as DatabaseSync;
    if (!text.startsWith('select')) {
      database.exec(text);
      return [];
    }
    const statement = database.prepare(text);
    statement.setReturnArrays(true);
    return statement.all() as unknown as unknown[][];
  },
};

/** How the recorder contract uses handles of PostgreSQL, with a table in a schema. */
export function testedPostgresRows(schema: string): TestedRows {
  return {
    kind: postgresRows,
    table: `${schema}.tested_rows`,
    async run(handle, text) {
      return (await (handle as PostgresRows).query<unknown[]>({ text, rowMode: 'array' })).rows;
    },
  };
}
