/** A handle of SQLite, whose calls are synchronous. */
interface SqliteHandle {
  exec(sql: string): void;
  prepare(sql: string): { get(...values: string[]): unknown };
}

/** A handle of PostgreSQL. */
interface PostgresHandle {
  query(sql: string): Promise<unknown>;
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
