import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from '../errors.ts';
import { compareNames } from '../name-order.ts';
import { storageError } from '../storage-location.ts';
import { DatabaseSync } from './connection/driver.ts';
import { explained } from './errors.ts';
import { applicationOf, type DatabaseFile, databaseFileOf, isDatabaseName } from './file.ts';
import { isBlank, readHeader } from './file-header.ts';
import type { SqliteSettings } from './options.ts';
import { applicationId, firstNamedVersion } from './schema.ts';
import { sql } from './statements.ts';

/**
 * Reads the names of the applications with tables in the directory, in the order of their UTF-8 bytes. Leaves out files
 * that kahn did not create, and files with a cut name that this release has never opened with `setupTables: true`.
 *
 * @throws {@link StorageError} if the directory or a file of kahn cannot be read.
 */
export function applicationNamesIn(settings: SqliteSettings): readonly string[] {
  const paths = pathsIn(settings.directory);
  return paths.flatMap((path) => nameOf(path, settings) ?? []).sort(compareNames);
}

function pathsIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter(isDatabaseName)
      .map((name) => join(directory, name));
  } catch (error) {
    const location = { applicationName: '', path: directory, location: `'${directory}'` };
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw explained(error, location, 'reading');
    throw storageError('STORAGE_MISSING', location, 'the directory does not exist.');
  }
}

/** Returns the application of a file, or undefined if it is unknown or the file has no tables of kahn. */
function nameOf(path: string, { directory, busyTimeoutMs }: SqliteSettings): string | undefined {
  const file = fileAt(path);
  try {
    if (isBlank(file)) return undefined;
    using database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    const header = readHeader(database);
    if (header.applicationId !== applicationId) return undefined;
    if (header.schemaVersion < firstNamedVersion) return applicationOf(path);
    // A copy under another name belongs to another application.
    return (
      namesIn(database).find((name) => databaseFileOf(directory, name).path === path) ?? applicationOf(path)
    );
  } catch (error) {
    if (error instanceof StorageError && error.code === 'STORAGE_FOREIGN') return undefined;
    throw explained(error, file, 'reading');
  }
}

function namesIn(database: DatabaseSync): readonly string[] {
  return database
    .prepare(sql.readNames)
    .all()
    .map(({ application_name }) => String(application_name));
}

/** Describes a file whose application may be unknown. */
function fileAt(path: string): DatabaseFile {
  return { applicationName: applicationOf(path) ?? '', path, location: `'${path}'` };
}
