import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageError } from '../../errors.ts';
import type { TableVersions } from '../../sql/table-version.ts';
import { storageError } from '../../storage-location.ts';
import { DatabaseSync } from '../connection/driver.ts';
import { isResult } from '../errors.ts';
import { sql } from '../statements.ts';
import type { DatabaseFile, FileMark, LayoutFile } from './file.ts';

/**
 * SQLite application ids, in ASCII: `kahn` of the files of a directory, `kahk` of the keys of subjects in a directory, `kahs`
 * of the file of a system.
 */
export const applicationIds = { directory: 0x6b61686e, subjectKeys: 0x6b61686b, file: 0x6b616873 } as const;

/** Application id of a copy that no runner has opened yet: `kahc` in ASCII. Such a copy has no write-ahead log. */
export const copyId = 0x6b616863;

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

/** Returns whether a database has the mark. */
export function isMarked({ applicationId }: FileHeader, mark: FileMark): boolean {
  return applicationId === mark.applicationId || (mark.option === 'file' && applicationId === copyId);
}

/** Marks a copy as the file of a system, before it gets a write-ahead log. */
export function markOpened(database: DatabaseSync): void {
  if (readHeader(database).applicationId !== copyId) return;
  database.exec(`pragma application_id = ${applicationIds.file}`);
}

/** Returns the versions of the tables of a file in an open database. */
export function versionsIn(database: DatabaseSync, file: DatabaseFile): TableVersions {
  const found = isMarked(readHeader(database), file.layout) ? file.versionIn(database) : undefined;
  return { found, current: file.version };
}

/**
 * Returns whether there is no file yet, or only an empty file or database. Changes no file.
 *
 * @throws {@link StorageError} STORAGE_MISSING or STORAGE_UNWRITABLE if no file can be created there,
 * STORAGE_FOREIGN if the file was not created by kahn, or is a copy next to the write-ahead log of another file.
 */
export function isBlank(file: LayoutFile): boolean {
  assertDirectory(file);
  const stats = statSync(file.path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  if (!stats.isFile()) throw notAFile(file);
  accessSync(file.path, constants.R_OK | constants.W_OK);
  if (stats.size === 0) return true;
  const hasLog = (statSync(`${file.path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0; // before the header is read
  const header = readHeaderUnlocked(file);
  if (header === undefined) return false;
  if (isMarked(header, file.layout)) {
    if (hasLog && header.applicationId === copyId) throw foreignLog(file);
    return false;
  }
  // kahn marks a file before it has a write-ahead log, so this log belongs to another program.
  if (!isUnused(header) || existsSync(`${file.path}-wal`)) throw foreignFile(file, header);
  return true;
}

/** Returns whether no program has marked the database or created a table in it. */
export function isUnused({ applicationId, tables }: FileHeader): boolean {
  return applicationId === 0 && tables === 0;
}

/** Creates the error for a file that kahn did not create, or created with the other option of `sqlite()`. */
export function foreignFile(file: LayoutFile, header?: FileHeader, cause?: unknown): StorageError {
  const { path, layout } = file;
  const another = `choose another ${layout.option}`;
  const { applicationId } = header ?? {};
  const reason =
    applicationId === applicationIds.file || applicationId === copyId
      ? `it holds a whole system. Open it with sqlite({ file: '${path}' }), or ${another}.`
      : applicationId === applicationIds.directory
        ? `it holds one application of a directory. Open it with sqlite({ directory: '${dirname(path)}' }), or ${another}.`
        : applicationId === applicationIds.subjectKeys
          ? `it holds the keys of subjects of a directory. Open it with sqlite({ directory: '${dirname(path)}' }), or ${another}.`
          : `it is not a kahn database, or its header is damaged. The file was not changed: move it away, restore it, or ${another}.`;
  return storageError('STORAGE_FOREIGN', file, reason, { cause });
}

/** Creates the error for a restored copy next to the write-ahead log of the file that it has replaced. */
function foreignLog(file: LayoutFile): StorageError {
  const [log, index] = [`'${file.path}-wal'`, `'${file.path}-shm'`];
  const reason = `it is a copy made by backup(), and SQLite would mix it with ${log}, which belongs to another file. Delete ${log} and ${index}.`;
  return storageError('STORAGE_FOREIGN', file, reason);
}

function notAFile(file: LayoutFile): StorageError {
  const { option } = file.layout;
  const reason =
    option === 'file'
      ? 'it is not an ordinary file. Give sqlite({ file }) the path of a file, such as data/shop.db.'
      : 'it is not an ordinary file. Move it away, or choose another directory.';
  return storageError('STORAGE_FOREIGN', file, reason);
}

/**
 * Checks that files can be created in the directory of a file.
 *
 * @throws {@link StorageError} STORAGE_MISSING or STORAGE_UNWRITABLE if not.
 */
export function assertDirectory(file: LayoutFile): void {
  const directory = dirname(file.path);
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) {
    const reason = `the directory '${directory}' does not exist. Create it first.`;
    throw storageError('STORAGE_MISSING', file, reason);
  }
  if (!stats.isDirectory()) {
    const reason =
      file.layout.option === 'directory'
        ? `'${directory}' is a file. Give sqlite({ directory }) the path of a directory, or sqlite({ file }) that of a file.`
        : `'${directory}' is a file, not a directory. Give sqlite({ file }) the path of a file in a directory.`;
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
function readHeaderUnlocked(file: LayoutFile): FileHeader | undefined {
  const url = pathToFileURL(file.path);
  url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    return readHeader(database);
  } catch (error) {
    if (isResult(error, 'SQLITE_NOTADB')) throw foreignFile(file, undefined, error);
    if (isResult(error, 'SQLITE_CORRUPT')) return undefined;
    throw error;
  } finally {
    database.close();
  }
}
