import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageError } from '../errors.ts';
import type { TableVersions } from '../sql/table-version.ts';
import { storageError } from '../storage-location.ts';
import { DatabaseSync } from './connection/driver.ts';
import { isResult } from './errors.ts';
import type { DatabaseFile } from './file.ts';
import { applicationId, schemaVersion } from './schema.ts';
import { sql } from './statements.ts';

/** Fields of the header of a database. */
export interface FileHeader {
  readonly applicationId: number;
  readonly schemaVersion: number;
  /** Number of tables and indexes. */
  readonly tables: number;
}

/** Reads the header of an open database. */
export function readHeader(database: DatabaseSync): FileHeader {
  return database.prepare(sql.readHeader).get() as unknown as FileHeader;
}

/** Returns the versions of the tables in an open database. */
export function versionsIn(database: DatabaseSync): TableVersions {
  const header = readHeader(database);
  const found = header.applicationId === applicationId ? header.schemaVersion : undefined;
  return { found, current: schemaVersion };
}

/**
 * Returns whether there is no file yet, or only an empty file or database. Changes no file.
 *
 * @throws {@link StorageError} STORAGE_MISSING or STORAGE_UNWRITABLE if no file can be created there,
 * STORAGE_FOREIGN if the file was not created by kahn.
 */
export function isBlank(file: DatabaseFile): boolean {
  assertDirectory(file);
  const stats = statSync(file.path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  if (!stats.isFile()) throw foreignFile(file);
  accessSync(file.path, constants.R_OK | constants.W_OK);
  if (stats.size === 0) return true;
  const header = readHeaderUnlocked(file);
  if (header === undefined || header.applicationId === applicationId) return false;
  // kahn marks a file before it has a write-ahead log, so this log belongs to another program.
  if (!isUnused(header) || existsSync(`${file.path}-wal`)) throw foreignFile(file);
  return true;
}

/** Returns whether no program has marked the database or created a table in it. */
export function isUnused({ applicationId, tables }: FileHeader): boolean {
  return applicationId === 0 && tables === 0;
}

/** Creates the error for a file that kahn did not create. */
export function foreignFile(file: DatabaseFile, cause?: unknown): StorageError {
  const reason =
    'it is not a kahn database, or its header is damaged. The file was not changed: ' +
    'move it away, restore it, or choose another directory.';
  return storageError('STORAGE_FOREIGN', file, reason, { cause });
}

function assertDirectory(file: DatabaseFile): void {
  const directory = dirname(file.path);
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) {
    const reason = `the directory '${directory}' does not exist. Create it first.`;
    throw storageError('STORAGE_MISSING', file, reason);
  }
  if (!stats.isDirectory()) {
    const reason = `'${directory}' is a file. Give sqlite() the path of a directory.`;
    throw storageError('STORAGE_UNWRITABLE', file, reason);
  }
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK); // SQLite creates more files in it
}

/**
 * Reads the header of a file of any origin, or returns undefined if the file seems damaged. A file may seem damaged
 * while another process writes; opening it with locks decides.
 *
 * `immutable` keeps SQLite from recovering the file and from creating a -wal and a -shm file. Reading the file
 * without SQLite would be worse: closing it would drop the locks that this process holds on it.
 */
function readHeaderUnlocked(file: DatabaseFile): FileHeader | undefined {
  const url = pathToFileURL(file.path);
  url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    return readHeader(database);
  } catch (error) {
    if (isResult(error, 'SQLITE_NOTADB')) throw foreignFile(file, error);
    if (isResult(error, 'SQLITE_CORRUPT')) return undefined;
    throw error;
  } finally {
    database.close();
  }
}
