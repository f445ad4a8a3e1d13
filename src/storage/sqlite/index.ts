import '../../util/environment/node-version.ts';
import { describeStorage, type StorageDescription } from '../storage.ts';
import { type SqliteOptions, settingsFrom } from './options.ts';
import * as module from './storage.ts';

export type { SqliteOptions };

/**
 * Describes storage in SQLite files, one `<directory>/<applicationName>.sqlite` per application. Any number of
 * threads and processes of one machine can open it.
 *
 * A relative directory is resolved at once. It must exist when a recorder is opened.
 *
 * @throws {@link InvalidOptionError} if an option is unknown or missing, or its value does not fit.
 * @example sqlite({ directory: 'data' })
 */
export function sqlite(options: SqliteOptions): StorageDescription {
  return describeStorage(module, { ...settingsFrom(options) });
}
