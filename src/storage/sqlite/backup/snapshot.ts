import { needsSetUp } from '../../sql/table-version.ts';
import { storageError } from '../../storage-location.ts';
import { blockMs } from '../connection/busy-retry.ts';
import { DatabaseSync } from '../connection/driver.ts';
import { whenFree } from '../connection/when-free.ts';
import { explained } from '../errors.ts';
import { namesIn } from '../layout/directory-layout.ts';
import type { Layout, LayoutFile } from '../layout/file.ts';
import { foreignFile, isBlank, isMarked, readHeader, versionsIn } from '../layout/file-header.ts';
import { layoutOf } from '../layout/layouts.ts';
import type { SqliteSettings } from '../options.ts';
import { sql } from '../statements.ts';

/** Settings of a system in one file. */
export type FileSettings = Extract<SqliteSettings, { readonly file: string }>;

/**
 * Opens the file of a system for reading, as it is now: writers continue, and the connection does not see what they
 * write. Until it is closed, SQLite keeps what it sees, so the write-ahead log grows.
 *
 * @throws {@link StorageError} if the file is missing, foreign, of a later release, or cannot be read.
 */
export async function openSnapshot(settings: FileSettings, signal?: AbortSignal): Promise<DatabaseSync> {
  const layout = layoutOf(settings);
  const file = layout.fileOf('');
  try {
    if (isBlank(file)) {
      const reason = 'the file is missing or empty. Mount its disk, or correct the path.';
      throw storageError('STORAGE_MISSING', file, reason);
    }
    return await whenFree(settings.busyTimeoutMs, () => snapshotOf(file, layout), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw explained(error, file, 'reading');
  }
}

function snapshotOf(file: LayoutFile, layout: Layout): DatabaseSync {
  // Not read-only: if its writers are closed meanwhile, this connection has to empty the write-ahead log into the file.
  const database = new DatabaseSync(file.path, { timeout: blockMs });
  try {
    database.exec(sql.begin);
    const header = readHeader(database); // the first read of a transaction chooses the moment
    if (!isMarked(header, layout)) throw foreignFile(file, header);
    for (const name of namesIn(database)) {
      const own = layout.fileOf(name);
      needsSetUp(versionsIn(database, own), true, own); // tables of earlier releases are copied as they are
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
