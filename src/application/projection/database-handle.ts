/** A handle of SQLite, whose calls are synchronous. */
interface SqliteHandle {
  exec(sql: string): void;
  prepare(sql: string): { get(...values: string[]): unknown };
}

/** A handle of PostgreSQL. */
interface PostgresHandle {
  query(sql: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

function isSqlite(handle: unknown): handle is SqliteHandle {
  return typeof (handle as Partial<SqliteHandle>).exec === 'function';
}

/** Executes a statement without parameters. */
export async function execute(handle: unknown, sql: string): Promise<void> {
  if (isSqlite(handle)) handle.exec(sql);
  else await (handle as PostgresHandle).query(sql);
}

/**
 * Whether a view can show a table. In SQLite, a table in another file is out of reach: with `sqlite({ directory })`, each
 * schema has a file of its own.
 */
export function canShow(handle: unknown, physicalName: string): boolean {
  if (!isSqlite(handle)) return true;
  return handle.prepare('select 1 from sqlite_schema where name = ?').get(physicalName) !== undefined;
}

/** Whether a table exists, in a namespace of the database if any. */
export async function hasTable(
  handle: unknown,
  physicalName: string,
  namespace: string | undefined,
): Promise<boolean> {
  if (isSqlite(handle)) return canShow(handle, physicalName);
  const sql =
    'select 1 from pg_catalog.pg_tables where tablename = $1 and schemaname = coalesce($2, current_schema())';
  return (await (handle as PostgresHandle).query(sql, [physicalName, namespace])).rows.length > 0;
}
