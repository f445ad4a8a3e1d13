import { backupDatabase, DatabaseSync } from '../connection/driver.ts';
import { copyId } from '../layout/file-header.ts';
import type { BackupProgress } from './backup-options.ts';

/**
 * Number of pages that are copied at a time, outside of this thread: 8 MB, which takes about 15 ms. Each step begins in a
 * turn of the event loop, so that many small ones take long in a busy process.
 */
const pagesPerStep = 2_048;

/**
 * Copies a database to a new file. The source must be in a read transaction: SQLite begins again whenever another
 * connection has written, so the copy would never end while a system is busy.
 *
 * @param report Called after each step; an error that it throws ends the copy.
 */
export async function copyDatabase(
  source: DatabaseSync,
  path: string,
  report: (progress: BackupProgress) => void,
): Promise<void> {
  const totalPages = await backupDatabase(source, path, {
    rate: pagesPerStep,
    progress: ({ totalPages, remainingPages }) => {
      report({ copiedPages: totalPages - remainingPages, totalPages });
    },
  });
  // The header of the copy says that it has a write-ahead log, without which read-only media cannot be read.
  using copy = new DatabaseSync(path);
  // The caller syncs the file.
  copy.exec(`pragma synchronous = off; pragma journal_mode = delete; pragma application_id = ${copyId}`);
  report({ copiedPages: totalPages, totalPages });
}
