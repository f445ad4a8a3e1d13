import { isDeepStrictEqual } from 'node:util';
import type { ProcessApplication } from '../../application/process-application.ts';
import { Projection, recorderOf } from '../../application/projection/projection.ts';
import { alignedWith } from './comparison.ts';
import type { DerivedIds } from './derived-id.ts';

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows by the names of their tables. */
export type Tables = Readonly<Record<string, readonly Row[]>>;

/** Handle of a driver that reads rows: a `DatabaseSync` of SQLite, or a client of `pg`. */
type ReadingHandle =
  | { prepare(sql: string): { all(): readonly Row[] } }
  | { query(sql: string): Promise<{ readonly rows: readonly Row[] }> };

/**
 * Reads all rows of some tables.
 *
 * @throws {@link InvalidArgumentError} if a projection has no table of a name.
 */
export async function readTables(application: ProcessApplication, names: readonly string[]): Promise<Tables> {
  const isProjection = application instanceof Projection;
  const nameOf = (name: string) =>
    isProjection ? recorderOf(application).schema.tables[name] : quoted(name);
  const inSql = names.map((name) => [name, nameOf(name) as string] as const);
  return await application.readRows(async (handle) => {
    const tables: [string, readonly Row[]][] = [];
    for (const [name, table] of inSql) tables.push([name, await selectAll(handle as ReadingHandle, table)]);
    return Object.fromEntries(tables);
  });
}

async function selectAll(handle: ReadingHandle, table: string): Promise<readonly Row[]> {
  const sql = `select * from ${table}`;
  const found = 'prepare' in handle ? handle.prepare(sql).all() : (await handle.query(sql)).rows;
  return found.map((row) => ({ ...row })); // rows of SQLite have no prototype
}

/** Quotes a name, which may have the name of a schema and a dot before it. */
function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

/**
 * Returns rows in the order of the expected rows that they equal, and the others in between, as far as the expected columns
 * go. Rows without expected ones have all columns.
 */
export function alignedRows(
  expected: readonly Row[],
  actual: readonly Row[],
  ids: DerivedIds,
): readonly Row[] {
  const columns = new Set(expected.flatMap((row) => Object.keys(row)));
  const rest = actual.map((row) => (columns.size === 0 ? row : columnsOf(row, columns)));
  const found = expected.map((row) => takeEqual(row, rest, ids));
  const aligned = found.map(
    (row, i) => row ?? (alignedWith(expected[i], rest.shift(), ids) as Row | undefined),
  );
  return [...aligned, ...rest].filter((row) => row !== undefined);
}

/** Removes the first row that equals an expected one, and returns it. */
function takeEqual(expected: Row, rows: Row[], ids: DerivedIds): Row | undefined {
  for (const [i, row] of rows.entries()) {
    const trial = ids.copy();
    const aligned = alignedWith(expected, row, trial) as Row;
    if (!isDeepStrictEqual(aligned, expected)) continue;
    ids.adopt(trial);
    rows.splice(i, 1);
    return aligned;
  }
  return undefined;
}

function columnsOf(row: Row, columns: ReadonlySet<string>): Row {
  return Object.fromEntries(Object.entries(row).filter(([column]) => columns.has(column)));
}
