import { performance } from 'node:perf_hooks';
import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { retry } from '../../util/retry.ts';
import type { Recorder } from '../recorder.ts';
import { needsSetUp, notSetUp } from '../sql/table-version.ts';
import type { OpenedStorage, RecorderOptions, StorageOptions } from '../storage.ts';
import { storageError } from '../storage-location.ts';
import { applicationNamesIn } from './application-names.ts';
import { DatabaseSync } from './connection/driver.ts';
import { SqliteConnection } from './connection/sqlite-connection.ts';
import { inTransaction } from './connection/transaction.ts';
import { explained, isBusy } from './errors.ts';
import { type DatabaseFile, databaseFileOf } from './file.ts';
import { foreignFile, isBlank, isUnused, readHeader, versionsIn } from './file-header.ts';
import { type SqliteSettings, settingsFrom } from './options.ts';
import { SqliteRecorder } from './recorder.ts';
import { createTables, schemaVersion, upgrades } from './schema.ts';
import { sql } from './statements.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string = siblingFile(import.meta.url, '../sqlite/storage')?.href ?? 'kahn/sqlite';

/**
 * Opens the storage that `sqlite()` described.
 *
 * @throws {@link InvalidOptionError} if an option is unknown or missing, or its value does not fit.
 */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  const settings = settingsFrom(options);
  return {
    openRecorder: (recorderOptions) => openRecorder(settings, recorderOptions),
    applicationNames: async () => applicationNamesIn(settings),
    async close() {}, // recorders share nothing
  };
}

async function openRecorder(settings: SqliteSettings, options: RecorderOptions): Promise<Recorder> {
  const file = databaseFileOf(settings.directory, options.applicationName);
  let database: DatabaseSync | undefined;
  try {
    if (isBlank(file) && !options.setupTables) throw notSetUp(file);
    database = new DatabaseSync(file.path, { timeout: settings.busyTimeoutMs });
    if (needsSetUp(versionsIn(database), options.setupTables, file)) setUp(database, file);
    await switchToWal(database, file, settings.busyTimeoutMs);
    database.exec(sql.synchronous[settings.synchronous]);
    return new SqliteRecorder(new SqliteConnection(file, database, settings));
  } catch (error) {
    database?.close();
    throw explained(error, file, 'opening');
  }
}

/** Creates or upgrades the tables in one transaction, unless another process has just done so. */
function setUp(database: DatabaseSync, file: DatabaseFile): void {
  inTransaction(database, sql.beginWrite, () => {
    const versions = versionsIn(database);
    if (!needsSetUp(versions, true, file)) return;
    if (versions.found === undefined) {
      if (!isUnused(readHeader(database))) throw foreignFile(file);
      database.exec(createTables);
    } else {
      for (const step of upgrades.slice(versions.found - 1)) database.exec(step);
      database.exec(sql.setVersion(schemaVersion));
    }
    database.prepare(sql.setName).run(file.applicationName);
  });
}

/** Turns on the write-ahead log. SQLite does not always wait for the lock, so this function retries. */
function switchToWal(database: DatabaseSync, file: DatabaseFile, timeoutMs: number): Promise<void> {
  const work = async () => {
    const mode = database.prepare(sql.walMode).get()?.journal_mode;
    if (mode === 'wal') return;
    const reason = `its file system does not support a write-ahead log, only '${mode}'. Use a local disk.`;
    throw storageError('STORAGE_FAILED', file, reason);
  };
  const deadline = performance.now() + timeoutMs; // from the start, because a try may have waited that long already
  const isTransient = (error: unknown) => isBusy(error) && performance.now() < deadline;
  return retry(work, { backoff: { firstMs: 5, maxMs: 5 }, isTransient });
}
