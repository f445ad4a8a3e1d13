import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { hash } from '../../util/environment/hash.ts';
import { newId } from '../../util/ids.ts';
import { longestTimerMs } from '../../util/time.ts';
import { needsSetUp, type TableVersions } from '../sql/table-version.ts';
import type { OpenedStorage, StorageOptions } from '../storage.ts';
import { storageError } from '../storage-location.ts';
import type { AppenderOptions } from './appending/appender.ts';
import { Connections, type Query } from './connection/connections.ts';
import { Listener } from './connection/listener.ts';
import { serverOf } from './connection/server.ts';
import { ServerRetry } from './connection/server-retry.ts';
import { checkedSettings } from './options.ts';
import { PostgresRecorder } from './recorder.ts';
import { applicationsTable, createApplications, createTables, schemaVersion, upgrades } from './schema.ts';
import { applicationNamesIn, type Statements, sql, statementsFor } from './statements.ts';
import { type ApplicationTables, channelOf, locationOf, quoted, tablesOf } from './tables.ts';

export { forProcesses, forThreads } from './connection/borrowed-pools.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string = siblingFile(import.meta.url, '../postgres/storage')?.href ?? 'kahn/postgres';

/** Time that an answer may take in addition to the statement time-out of the server, in ms. */
const answerMarginMs = 5_000;

/**
 * Opens the storage that `postgres()` described. Does not connect yet.
 *
 * @throws {@link InvalidOptionError} if a setting is unknown, its value does not fit, or it contradicts another option.
 * @throws {@link InvalidStorageError} if the driver is not installed, or the pool is in another thread.
 */
export async function openStorage(
  options: StorageOptions,
  writerId: string = newId(),
): Promise<OpenedStorage> {
  const settings = checkedSettings(options);
  const server = await serverOf(settings);
  const closing = new AbortController();
  const channel = channelOf(settings.schema);
  const listeners = new Set<Listener>();
  const connections = new Connections(server.pool, {
    named: server.ownsSessions,
    mayBeStandby: server.mayBeStandby,
    poolSize: server.poolSize,
    onReadOnly: () => {
      for (const one of listeners) one.reconnect();
    },
    answerTimeoutMs: Math.min(settings.statementTimeoutMs + answerMarginMs, longestTimerMs),
  });
  const serverRetry = new ServerRetry(settings.retryTimeoutMs, closing.signal);
  const { listen } = server;
  let closed: Promise<void> | undefined;
  return {
    openRecorder: ({ applicationName, setupTables }) => {
      const tables = tablesOf(settings.schema, applicationName, server.name);
      return openRecorder({ tables, connections, serverRetry, channel, writerId }, setupTables);
    },
    applicationNames: () => {
      const location = { applicationName: '', location: locationOf(settings.schema, server.name) };
      return serverRetry.run(location, 'reading', () =>
        connections.use((query) => readApplicationNames(query, settings.schema)),
      );
    },
    ...(listen && {
      listen: async (listener) => {
        const listening = new Listener({ connect: listen, channel, writerId, listener });
        listeners.add(listening);
        await listening.started;
        return {
          async [Symbol.asyncDispose]() {
            listeners.delete(listening);
            await listening[Symbol.asyncDispose]();
          },
        };
      },
    }),
    close() {
      closing.abort();
      closed ??= server.close();
      return closed;
    },
  };
}

async function openRecorder(options: AppenderOptions, setupTables: boolean): Promise<PostgresRecorder> {
  const { tables, connections, serverRetry } = options;
  await serverRetry.run(tables, 'opening', () => prepareTables(connections, tables, setupTables));
  return new PostgresRecorder(options);
}

async function prepareTables(
  connections: Connections,
  tables: ApplicationTables,
  setupTables: boolean,
): Promise<void> {
  const statements = statementsFor(tables);
  const existing = await connections.use((query) => inspect(query, tables, statements));
  if (!needsSetUp(existing, setupTables, tables)) return;
  await connections.transaction((query) => setUp(query, tables, statements));
}

/** Objects that exist in the database. */
interface Existing extends TableVersions {
  readonly hasSchema: boolean;
  readonly hasApplications: boolean;
}

async function readApplicationNames(query: Query, schema: string): Promise<readonly string[]> {
  const [row] = await query(sql.inspect, [schema, applicationsTable]);
  if (row?.[2] !== 1) return [];
  const rows = await query(applicationNamesIn(schema));
  return rows.map(([applicationName]) => String(applicationName));
}

async function inspect(query: Query, tables: ApplicationTables, { version }: Statements): Promise<Existing> {
  const [row] = await query(sql.inspect, [tables.schema, applicationsTable]);
  const [encoding, schemas, applications] = row ?? [];
  if (encoding !== 'UTF8') {
    const reason = `the database stores text as ${encoding}, not as UTF8. Create a database with encoding UTF8.`;
    throw storageError('STORAGE_FAILED', tables, reason);
  }
  const hasApplications = applications === 1;
  const [registered] = hasApplications ? await query(version, [tables.applicationName]) : [];
  const found = registered && Number(registered[0]);
  return { hasSchema: schemas === 1, hasApplications, found, current: schemaVersion };
}

/** Creates or upgrades the tables under a lock, unless another process has just done so. */
async function setUp(query: Query, tables: ApplicationTables, statements: Statements): Promise<void> {
  await query(sql.lock, [lockKey(tables.schema)]);
  const existing = await inspect(query, tables, statements);
  if (!needsSetUp(existing, true, tables)) return;
  if (existing.found !== undefined) {
    const texts = upgrades.slice(existing.found - 1).flatMap((step) => step(tables));
    for (const text of texts) await query({ text });
    await query(statements.setVersion, [tables.applicationName, schemaVersion]);
    return;
  }
  if (!existing.hasSchema) await query({ text: `create schema ${quoted(tables.schema)}` });
  if (!existing.hasApplications) await query({ text: createApplications(tables.schema) });
  for (const text of createTables(tables)) await query({ text });
  await query(statements.register, [tables.applicationName, schemaVersion]);
}

/** Returns a 64-bit number for an advisory lock of PostgreSQL. */
function lockKey(schema: string): string {
  return `${Buffer.from(hash('sha256', `kahn set-up of ${schema}`, 'buffer')).readBigInt64BE()}`;
}
