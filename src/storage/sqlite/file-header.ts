import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { StorageError } from '../errors.ts';
import { type DatabaseFile, resultCode, siteError } from './errors.ts';
import { applicationId } from './schema.ts';
import { sql } from './statements.ts';

/** What the head of a database says about it. */
export interface Marks {
  readonly applicationId: number;
  readonly schemaVersion: number;
  /** How many tables and indexes there are. */
  readonly tables: number;
}

/** Reads the marks of an open database. */
export function readMarks(database: DatabaseSync): Marks {
  return database.prepare(sql.readMarks).get() as unknown as Marks;
}

/**
 * Whether there is nothing at the site yet, or only an empty file or database. Changes nothing, whatever it
 * finds. Throws STORAGE_MISSING or STORAGE_UNWRITABLE if files cannot be made there, STORAGE_FOREIGN if one
 * is not ours.
 */
export function isBlank(site: DatabaseFile): boolean {
  assertDirectory(site);
  const stats = statSync(site.file, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  if (!stats.isFile()) throw foreign(site);
  accessSync(site.file, constants.R_OK | constants.W_OK);
  if (stats.size === 0) return true;
  const marks = peek(site);
  if (marks === undefined || marks.applicationId === applicationId) return false;
  // Ours are marked before they have a write-ahead log, so whatever is in this one is somebody else's.
  if (marks.applicationId !== 0 || marks.tables > 0 || existsSync(`${site.file}-wal`)) throw foreign(site);
  return true;
}

/** The error for a file that is somebody else's. */
export function foreign(site: DatabaseFile, cause?: unknown): StorageError {
  const reason =
    'it is no database of this library, or its head is damaged. It has been left as it is: ' +
    'move it away, restore it, or choose another directory.';
  return siteError('STORAGE_FOREIGN', site, reason, { cause });
}

function assertDirectory(site: DatabaseFile): void {
  const directory = dirname(site.file);
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw siteError('STORAGE_MISSING', site, `the directory '${directory}' does not exist. Create it first.`);
  }
  if (!stats.isDirectory()) {
    throw siteError(
      'STORAGE_UNWRITABLE',
      site,
      `'${directory}' is a file. Give sqlite() the path of a directory.`,
    );
  }
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK); // SQLite makes files beside ours
}

/**
 * Reads the marks of a file that may be anybody's. `immutable` keeps SQLite from making a -wal and a -shm
 * file beside it or recovering it. Reading it without SQLite would be worse: closing the file would drop
 * this process's locks on it. None if the file seems damaged, as it may while another process writes:
 * opening it with locks will tell.
 */
function peek(site: DatabaseFile): Marks | undefined {
  const url = pathToFileURL(site.file);
  url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    return readMarks(database);
  } catch (error) {
    if (resultCode(error) === 'SQLITE_NOTADB') throw foreign(site, error);
    if (resultCode(error) === 'SQLITE_CORRUPT') return undefined;
    throw error;
  } finally {
    database.close();
  }
}
