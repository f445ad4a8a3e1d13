import '../../util/environment/node-version.ts';
import { describeStorage, type StorageDescription } from '../storage.ts';
import { backup } from './backup/backup.ts';
import type { BackupOptions, BackupProgress } from './backup/backup-options.ts';
import { BackupExistsError } from './backup/errors.ts';
import { type SqliteOptionFields, type SqliteOptions, settingsFrom } from './options.ts';
import { sqliteRows } from './rows/sqlite-rows.ts';
import * as module from './storage.ts';

export type { SqliteOptionFields, SqliteOptions };
export { BackupExistsError, type BackupOptions, type BackupProgress, backup, sqliteRows };

/**
 * Describes storage in SQLite files: one `file` for the whole system, or one file per application in a `directory`,
 * `<directory>/<applicationName>.sqlite`. Any number of threads and processes of one machine can open it.
 *
 * A relative path is resolved at once. The directory must exist when a recorder is opened.
 *
 * @throws {@link InvalidOptionError} if an option is unknown, its value does not fit, or not exactly one of `file` and
 * `directory` is given.
 * @example sqlite({ file: 'shop.db' })
 */
export function sqlite(options: SqliteOptions): StorageDescription {
  return describeStorage(module, { ...settingsFrom(options) });
}
