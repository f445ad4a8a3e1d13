import type { DatabaseSync } from 'node:sqlite';
import { drizzle as drizzleOfPg, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleOfSql, type SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy';
import type { PoolClient } from 'pg';

export const drizzleOnPostgres = (rows: PoolClient): NodePgDatabase => drizzleOfPg({ client: rows });

export const drizzleOnSqlite = (rows: DatabaseSync): SqliteRemoteDatabase =>
  drizzleOfSql(async (text, values, method) => {
    const statement = rows.prepare(text);
    statement.setReturnArrays(true);
    if (method === 'run') statement.run(...values);
    if (method === 'get') return { rows: statement.get(...values) as unknown as unknown[] };
    return { rows: method === 'run' ? [] : statement.all(...values) };
  });
