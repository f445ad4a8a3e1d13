import { hash } from 'node:crypto';
import type { KahnError } from '../../util/errors.ts';
import { StorageError } from '../errors.ts';
import type { Connections, Query } from './connection/connections.ts';
import { siteError } from './errors.ts';
import { quoted } from './identifiers.ts';
import { PostgresRecorder, type PostgresRecorderOptions } from './recorder.ts';
import { applicationsTable, createApplications, createTables, schemaVersion, upgrades } from './schema.ts';
import { type Statement, type Statements, sql, statementsFor } from './statements.ts';
import type { ApplicationTables } from './tables.ts';

/** Opens the recorder of one application, making its tables if need be; throws StorageError. */
export async function openRecorder(
  options: PostgresRecorderOptions,
  setupTables: boolean,
): Promise<PostgresRecorder> {
  const { tables, connections, retry } = options;
  await retry.run(tables, () => prepareTables(connections, tables, setupTables), isBusy);
  return new PostgresRecorder(options);
}

/** A server that is not there is reported at once: mostly, its name is wrong. */
function isBusy(error: KahnError): boolean {
  return error instanceof StorageError && error.code === 'STORAGE_BUSY';
}

async function prepareTables(
  connections: Connections,
  tables: ApplicationTables,
  setupTables: boolean,
): Promise<void> {
  const statements = statementsFor(tables);
  const { version } = await connections.use((query) => inspect(query, tables, statements));
  if (version === schemaVersion) return;
  if (!setupTables) throw version === undefined ? notSetUp(tables) : older(version, tables);
  await connections.transaction((query) => setUp(query, tables, statements));
}

/** What there is in the database. */
interface Found {
  readonly schema: boolean;
  readonly applications: boolean;
  /** The version of the application's tables, which this release knows; undefined if there are none. */
  readonly version: number | undefined;
}

async function inspect(query: Query, tables: ApplicationTables, { version }: Statements): Promise<Found> {
  const [row] = await query(sql.inspect, [tables.schema, applicationsTable]);
  const [encoding, schema, applications] = row ?? [];
  if (encoding !== 'UTF8') {
    const reason = `the database stores text as ${encoding}, which cannot hold all of it. Create one with UTF8.`;
    throw siteError('STORAGE_FAILED', tables, reason);
  }
  const [registered] = applications === 1 ? await query(version, [tables.applicationName]) : [];
  const found = registered && Number(registered[0]);
  if (found !== undefined && found > schemaVersion) throw newer(found, tables);
  return { schema: schema === 1, applications: applications === 1, version: found };
}

/** Makes what is missing and brings up to date what is old, unless somebody else has just done so: one at a time does this. */
async function setUp(query: Query, tables: ApplicationTables, statements: Statements): Promise<void> {
  await query(sql.lock, [lockKey(tables.schema)]);
  const found = await inspect(query, tables, statements);
  if (found.version !== undefined) {
    for (const step of upgrades.slice(found.version - 1)) await query(ddl(step(tables)));
    await query(statements.setVersion, [tables.applicationName, schemaVersion]);
    return;
  }
  if (!found.schema) await query(ddl(`create schema ${quoted(tables.schema)}`));
  if (!found.applications) await query(ddl(createApplications(tables.schema)));
  for (const text of createTables(tables)) await query(ddl(text));
  await query(statements.register, [tables.applicationName, schemaVersion]);
}

function ddl(text: string): Statement {
  return { text };
}

/** A 64-bit number for PostgreSQL's advisory locks. */
function lockKey(schema: string): string {
  return `${Buffer.from(hash('sha256', `kahn set-up of ${schema}`, 'buffer')).readBigInt64BE()}`;
}

function newer(version: number, tables: ApplicationTables): StorageError {
  const reason = `its tables have version ${version}, but this release of the library knows ${schemaVersion}.`;
  return siteError('STORAGE_NEWER', tables, `${reason} Use the release that wrote it, or a later one.`);
}

function older(version: number, tables: ApplicationTables): StorageError {
  const reason = `its tables have version ${version}, but this release of the library needs ${schemaVersion}.`;
  const advice = "Let the tables' owner open it once with setupTables: true to bring them up to date.";
  return siteError('STORAGE_OLDER', tables, `${reason} ${advice}`);
}

function notSetUp(tables: ApplicationTables): StorageError {
  const reason = 'it has no tables there yet. Open it with setupTables: true first.';
  return siteError('STORAGE_NOT_SET_UP', tables, reason);
}
