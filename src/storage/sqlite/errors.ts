import type { KahnError } from '../../util/errors.ts';
import type { StorageErrorCode } from '../errors.ts';
import { type DriverErrorRules, explainDriverError } from '../sql/driver-error.ts';
import type { DatabaseFile } from './file.ts';

// Primary result codes with a meaning of their own, https://sqlite.org/rescode.html
const resultCodes = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL', // too many lost races for the write-ahead log
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  26: 'SQLITE_NOTADB',
} as const;

const storageCodes: Readonly<Record<string, StorageErrorCode>> = {
  SQLITE_BUSY: 'STORAGE_BUSY',
  SQLITE_CANTOPEN: 'STORAGE_UNWRITABLE',
  SQLITE_CONSTRAINT: 'STORAGE_REFUSED',
  SQLITE_CORRUPT: 'STORAGE_CORRUPT',
  SQLITE_FULL: 'STORAGE_FULL',
  SQLITE_LOCKED: 'STORAGE_BUSY',
  SQLITE_MISMATCH: 'STORAGE_REFUSED',
  SQLITE_NOTADB: 'STORAGE_CORRUPT',
  SQLITE_PERM: 'STORAGE_UNWRITABLE',
  SQLITE_PROTOCOL: 'STORAGE_BUSY',
  SQLITE_READONLY: 'STORAGE_UNWRITABLE',
  SQLITE_TOOBIG: 'STORAGE_REFUSED',
  EACCES: 'STORAGE_UNWRITABLE',
  ENOTDIR: 'STORAGE_UNWRITABLE',
  EPERM: 'STORAGE_UNWRITABLE',
  EROFS: 'STORAGE_UNWRITABLE',
};

const rules: DriverErrorRules = {
  codeOf: storageCode,
  advice: {
    STORAGE_BUSY:
      'another thread or process kept it locked for longer than busyTimeoutMs. Try again, or raise busyTimeoutMs.',
    STORAGE_CORRUPT:
      'it is damaged. Restore it from a backup, or save what is readable with the sqlite3 command `.recover`.',
    STORAGE_FULL: 'the disk is full. Nothing of this call is recorded; make room and try again.',
    STORAGE_REFUSED:
      'a constraint, a trigger or a limit of the database refused what was to be recorded. Nothing of it is recorded.',
    STORAGE_UNWRITABLE:
      'the file or its directory is not readable and writable. Check its permissions, and that it is an ordinary file.',
  },
};

/** Turns an error of SQLite or the file system into a StorageError; returns errors of kahn as they are. */
export function explained(error: unknown, file: DatabaseFile): KahnError {
  return explainDriverError(error, file, rules);
}

/** Returns whether SQLite could not get a lock. */
export function isBusy(error: unknown): boolean {
  return storageCode(error) === 'STORAGE_BUSY';
}

/** Returns SQLite's name of an error, without the details of extended result codes, or else the error's `code`. */
export function resultCode(error: unknown): string {
  const { code, errcode } = error as { code?: unknown; errcode?: number };
  const primary = (errcode ?? 0) & 0xff;
  return resultCodes[primary as keyof typeof resultCodes] ?? String(code);
}

function storageCode(error: unknown): StorageErrorCode {
  return storageCodes[resultCode(error)] ?? 'STORAGE_FAILED';
}
