import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { needsSetUp, notSetUp } from '../sql/table-version.ts';
import type { OpenedStorage, StorageOptions } from '../storage.ts';
import { storageError } from '../storage-location.ts';
import { blockMs } from './connection/busy-retry.ts';
import { DatabaseSync } from './connection/driver.ts';
import { OpenFiles } from './connection/open-files.ts';
import type { Session, SessionPurpose } from './connection/session.ts';
import { inTransaction } from './connection/transaction.ts';
import { whenFree } from './connection/when-free.ts';
import { explained } from './errors.ts';
import type { DatabaseFile } from './layout/file.ts';
import {
  foreignFile,
  isBlank,
  isMarked,
  isUnused,
  markOpened,
  readHeader,
  versionsIn,
} from './layout/file-header.ts';
import { layoutOf } from './layout/layouts.ts';
import { type SqliteSettings, settingsFrom } from './options.ts';
import { recordingIn, SqliteRecorder } from './recorder.ts';
import { sql } from './statements.ts';
import { keepingKeysIn, SqliteSubjectKeys } from './subject-keys.ts';

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
  const layout = layoutOf(settings);
  const files = new OpenFiles(settings);
  const startSession = async <F extends DatabaseFile, S>(
    purpose: SessionPurpose<F, S>,
    setupTables: boolean,
  ): Promise<Session<F, S>> => {
    try {
      return files.startSession(purpose, await openDatabase(purpose.file, settings, setupTables));
    } catch (error) {
      throw explained(error, purpose.file, 'opening');
    }
  };
  return {
    async openRecorder({ applicationName, setupTables }) {
      const purpose = recordingIn(layout.fileOf(applicationName));
      return new SqliteRecorder(await startSession(purpose, setupTables));
    },
    async openSubjectKeys({ setupTables }) {
      const purpose = keepingKeysIn(layout.subjectKeys());
      return new SqliteSubjectKeys(await startSession(purpose, setupTables));
    },
    applicationNames: async () => layout.applicationNames(),
    async close() {}, // the last recorder of a file closes it
  };
}

/** Opens a file, in which its tables are created or upgraded first if necessary. */
async function openDatabase(
  file: DatabaseFile,
  { busyTimeoutMs, synchronous }: SqliteSettings,
  setupTables: boolean,
): Promise<DatabaseSync> {
  if (isBlank(file) && !setupTables) throw notSetUp(file);
  const database = new DatabaseSync(file.path, { timeout: Math.min(busyTimeoutMs, blockMs) });
  try {
    await whenFree(busyTimeoutMs, () => {
      if (needsSetUp(versionsIn(database, file), setupTables, file)) setUp(database, file);
      markOpened(database);
      switchToWal(database, file);
    });
    database.exec(sql.synchronous[synchronous]);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Creates or upgrades the tables in one transaction, unless another process has just done so. */
function setUp(database: DatabaseSync, file: DatabaseFile): void {
  const { layout } = file;
  inTransaction(database, sql.beginWrite, () => {
    const { found, current } = versionsIn(database, file);
    if (!needsSetUp({ found, current }, true, file)) return;
    const header = readHeader(database);
    if (!isMarked(header, layout)) {
      if (!isUnused(header)) throw foreignFile(file, header);
      database.exec(layout.mark);
    }
    file.setUp(database, found);
  });
}

/** Turns on the write-ahead log. */
function switchToWal(database: DatabaseSync, file: DatabaseFile): void {
  const mode = database.prepare(sql.walMode).get()?.journal_mode;
  if (mode === 'wal') return;
  const reason = `its file system does not support a write-ahead log, only '${mode}'. Use a local disk.`;
  throw storageError('STORAGE_FAILED', file, reason);
}
