import { KahnError, messageOf } from '../../util/errors.ts';
import { StorageError, type StorageErrorCode } from '../errors.ts';

/** The file of one application. */
export interface DatabaseFile {
  readonly applicationName: string;
  readonly file: string;
}

// The primary result codes that tell something, https://sqlite.org/rescode.html
const resultCodes = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL', // the race for the write-ahead log was lost too often
  26: 'SQLITE_NOTADB',
} as const;

const storageCodes: Readonly<Record<string, StorageErrorCode>> = {
  SQLITE_BUSY: 'STORAGE_BUSY',
  SQLITE_CANTOPEN: 'STORAGE_UNWRITABLE',
  SQLITE_CORRUPT: 'STORAGE_CORRUPT',
  SQLITE_FULL: 'STORAGE_FULL',
  SQLITE_LOCKED: 'STORAGE_BUSY',
  SQLITE_NOTADB: 'STORAGE_CORRUPT',
  SQLITE_PERM: 'STORAGE_UNWRITABLE',
  SQLITE_PROTOCOL: 'STORAGE_BUSY',
  SQLITE_READONLY: 'STORAGE_UNWRITABLE',
  EACCES: 'STORAGE_UNWRITABLE',
  EPERM: 'STORAGE_UNWRITABLE',
  EROFS: 'STORAGE_UNWRITABLE',
};

const advice: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  STORAGE_BUSY:
    'another thread or process kept it locked beyond the time-out. Try again, or give sqlite() a larger busyTimeoutMs.',
  STORAGE_CORRUPT:
    'it is damaged. Restore it from a backup, or save what can be read with the sqlite3 command `.recover`.',
  STORAGE_FULL: 'there is no room left. Nothing of this call is stored; make room and try again.',
  STORAGE_UNWRITABLE:
    'the file or its directory cannot be read and written. Check that it is an ordinary file, and its permissions.',
};

/** A {@link StorageError} that says why the application cannot use its file. */
export function siteError(
  code: StorageErrorCode,
  { applicationName, file }: DatabaseFile,
  reason: string,
  options?: { cause: unknown },
): StorageError {
  return new StorageError(
    code,
    applicationName,
    `Application '${applicationName}' cannot use '${file}': ${reason}`,
    options,
  );
}

/** What to throw for an error of SQLite or the file system; errors of ours stay as they are. */
export function explained(error: unknown, site: DatabaseFile): KahnError {
  if (error instanceof KahnError) return error;
  const code = storageCode(error);
  const reason = advice[code] ?? 'the storage failed; its cause tells more.';
  return siteError(code, site, `${reason} (${messageOf(error)})`, { cause: error });
}

/** Whether SQLite could not get a lock. */
export function isBusy(error: unknown): boolean {
  return storageCode(error) === 'STORAGE_BUSY';
}

/**
 * SQLite's name of an error, without the details of its extended result code; otherwise the error's own
 * code.
 */
export function resultCode(error: unknown): string {
  const { code, errcode } = error as { code?: unknown; errcode?: number };
  const primary = (errcode ?? 0) & 0xff;
  return resultCodes[primary as keyof typeof resultCodes] ?? String(code);
}

function storageCode(error: unknown): StorageErrorCode {
  return storageCodes[resultCode(error)] ?? 'STORAGE_FAILED';
}
