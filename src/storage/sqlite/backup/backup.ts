import { resolve } from 'node:path';
import { kindOf } from '../../../util/errors.ts';
import { InvalidArgumentError, resolveOptions } from '../../../util/options.ts';
import { InvalidStorageError } from '../../errors.ts';
import { assertStorage, type StorageDescription } from '../../storage.ts';
import { explained } from '../errors.ts';
import { layoutOf } from '../layout/layouts.ts';
import { settingsFrom } from '../options.ts';
import { moduleUrl } from '../storage.ts';
import { type BackupOptions, type BackupProgress, backupOptions } from './backup-options.ts';
import { copyDatabase } from './copy-database.ts';
import { type FileSettings, openSnapshot } from './snapshot.ts';
import { writeWhole } from './whole-file.ts';

/**
 * Copies a system in one SQLite file to another file, while it runs or not. The copy holds all applications as of one
 * moment, the beginning of the backup, and is opened as `sqlite({ file })`.
 *
 * Writers continue, in this process and others. The copy gets its name when it is whole and synced. Until then, its name
 * ends with `.unfinished`; such a file of a process that was killed may be deleted.
 *
 * @param path Path of the copy, in an existing directory. No file may be there.
 * @example
 * const storage = sqlite({ file: 'shop.db' });
 * await using runner = await run(shop, { storage });
 * await runner.get(Orders).place('ada');
 * await backup(storage, 'copy.db');
 * @throws {@link BackupExistsError} if a file is at the path.
 * @throws {@link InvalidStorageError} if the storage is not described by `sqlite({ file })`.
 * @throws {@link InvalidArgumentError} if the path is not a path.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @throws {@link StorageError} if the file of the system cannot be read, or the copy cannot be written.
 */
export async function backup(
  storage: StorageDescription,
  path: string,
  options: BackupOptions = {},
): Promise<void> {
  const { signal, onProgress } = resolveOptions(options, backupOptions, 'backup()');
  const settings = settingsOf(storage);
  assertPath(path);
  signal?.throwIfAborted();
  const thrown: unknown[] = []; // by the callback
  const report = (progress: BackupProgress) => {
    signal?.throwIfAborted();
    try {
      onProgress?.(progress);
    } catch (reason) {
      thrown.push(reason);
      throw reason;
    }
  };
  const target = layoutOf({ ...settings, file: resolve(path) }).fileOf('');
  using source = await openSnapshot(settings, signal);
  try {
    await writeWhole(target, (unfinished) => copyDatabase(source, unfinished, report), signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (thrown.includes(error)) throw error;
    const location = `${target.location} as a backup of '${settings.file}'`;
    throw explained(error, { ...target, location }, 'opening');
  }
}

/** Returns the settings of a system in one file. */
function settingsOf(storage: StorageDescription): FileSettings {
  assertStorage(storage);
  if (storage.module !== moduleUrl) {
    throw new InvalidStorageError(
      `backup() of 'kahn/sqlite' copies sqlite({ file }), not the storage of module '${storage.module}'. ` +
        'Back up PostgreSQL with pg_dump, which copies one moment, too. What memory() holds ends with its process.',
    );
  }
  const settings = settingsFrom(storage.options);
  if (settings.file !== undefined) return settings;
  throw new InvalidStorageError(
    `backup() cannot copy sqlite({ directory: '${settings.directory}' }): the files of a running system cannot be copied ` +
      'as of one moment. Close its runners and copy the directory, or keep the system in one file, sqlite({ file }).',
  );
}

function assertPath(path: unknown): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return;
  const advice = path instanceof URL ? ' Use fileURLToPath().' : '';
  throw new InvalidArgumentError(
    `Expected the path of backup() to be the path of a file, got ${kindOf(path)}.${advice}`,
  );
}
