import type { OpenedStorage, StorageDescription } from '../storage.ts';
import { openRecorder } from './open-recorder.ts';
import { type SqliteOptions, settingsFrom } from './options.ts';

export type { SqliteOptions };

/**
 * Storage in SQLite files, one `<directory>/<applicationName>.sqlite` per application, for any number of
 * threads and processes of one machine. The directory is resolved now and must exist when a recorder is
 * opened.
 *
 * @throws InvalidStorageError if an option is unknown or has an impossible value.
 */
export function sqlite(options: SqliteOptions): StorageDescription {
  return { module: import.meta.url, options: { ...settingsFrom({ ...options }) } };
}

/**
 * Opens the storage that a description made by {@link sqlite} stands for; its `openRecorder` throws
 * StorageError.
 */
export async function openStorage(options: StorageDescription['options']): Promise<OpenedStorage> {
  const settings = settingsFrom(options);
  return {
    openRecorder: (recorderOptions) => openRecorder(settings, recorderOptions),
    async close() {}, // every recorder has its own file
  };
}
