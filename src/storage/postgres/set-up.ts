import { hash } from '../../util/environment/hash.ts';
import { needsSetUp, type TableVersions } from '../sql/table-version.ts';
import { storageError } from '../storage-location.ts';
import type { Connections, Query } from './connection/connections.ts';
import { applicationsIn, applicationsTable, createApplications } from './schema.ts';
import { sql } from './statements.ts';
import { quoted, type TableSet } from './tables.ts';

/**
 * Creates or upgrades tables if necessary; then also `others` in the same transaction, if they need it.
 *
 * @throws {@link StorageError} if that is necessary but `setupTables` is false, or a later release has upgraded them.
 */
export async function prepareTables(
  connections: Connections,
  tables: TableSet,
  setupTables: boolean,
  others: readonly TableSet[] = [],
): Promise<void> {
  const existing = await connections.use((query) => inspect(query, tables));
  if (!needsSetUp(existing, setupTables, tables)) return;
  await connections.transaction(async (query) => {
    for (const one of [tables, ...others]) await setUp(query, one);
  });
}

/** Reads the names of the applications with tables in a schema, in order. */
export async function readApplicationNames(query: Query, schema: string): Promise<readonly string[]> {
  const [row] = await query(sql.inspect, [schema, applicationsTable]);
  if (row?.[2] !== 1) return [];
  const text = `select application_name from ${applicationsIn(schema)} where application_name <> '' order by 1`;
  const rows = await query({ text });
  return rows.map(([applicationName]) => String(applicationName));
}

/** Objects that exist in the database. */
interface Existing extends TableVersions {
  readonly hasSchema: boolean;
  readonly hasApplications: boolean;
}

async function inspect(query: Query, tables: TableSet): Promise<Existing> {
  const [row] = await query(sql.inspect, [tables.schema, applicationsTable]);
  const [encoding, schemas, applications] = row ?? [];
  if (encoding !== 'UTF8') {
    const reason = `the database stores text as ${encoding}, not as UTF8. Create a database with encoding UTF8.`;
    throw storageError('STORAGE_FAILED', tables, reason);
  }
  const hasApplications = applications === 1;
  const version = {
    text: `select version from ${applicationsIn(tables.schema)} where application_name = $1`,
  };
  const [registered] = hasApplications ? await query(version, [tables.applicationName]) : [];
  const found = registered && Number(registered[0]);
  return { hasSchema: schemas === 1, hasApplications, found, current: tables.version };
}

/** Creates or upgrades the tables under a lock, unless another process has just done so. */
async function setUp(query: Query, tables: TableSet): Promise<void> {
  const { schema, applicationName, version, created, upgrades } = tables;
  await query(sql.lock, [lockKey(`set-up of ${schema}`)]);
  const { found, hasSchema, hasApplications, current } = await inspect(query, tables);
  if (!needsSetUp({ found, current }, true, tables)) return;
  const applications = applicationsIn(schema);
  if (found !== undefined) {
    for (const text of upgrades.slice(found - 1).flat()) await query({ text });
    const text = `update ${applications} set version = $2 where application_name = $1`;
    await query({ text }, [applicationName, version]);
    return;
  }
  if (!hasSchema) await query({ text: `create schema ${quoted(schema)}` });
  if (!hasApplications) await query({ text: createApplications(schema) });
  for (const text of created) await query({ text });
  const text = `insert into ${applications} (application_name, version) values ($1, $2)`;
  await query({ text }, [applicationName, version]);
}

/** Returns a 64-bit number for an advisory lock of PostgreSQL. */
export function lockKey(purpose: string): string {
  return `${Buffer.from(hash('sha256', `kahn ${purpose}`, 'buffer')).readBigInt64BE()}`;
}
