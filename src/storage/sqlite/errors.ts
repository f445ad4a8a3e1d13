import type { KahnError } from '../../util/errors.ts';
import type { StorageErrorCode } from '../errors.ts';
import { type Activity, type DriverErrorTexts, explainDriverError } from '../sql/driver-error.ts';
import type { ErrorRule } from '../sql/error-table.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';
import { nodeErrors, resultCodes } from './error-table.ts';

// Primary result codes in the order of their numbers, from 0. https://sqlite.org/rescode.html
const primaryCodes =
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING'.split(
    ' ',
  );

// Extended result codes in the order of their numbers, from 1.
const extendedCodes: Readonly<Record<string, readonly string[]>> = {
  ABORT: ['', 'ROLLBACK'],
  AUTH: ['USER'],
  BUSY: ['RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  CANTOPEN: ['NOTEMPDIR', 'ISDIR', 'FULLPATH', 'CONVPATH', 'DIRTYWAL', 'SYMLINK'],
  CONSTRAINT:
    'CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE'.split(
      ' ',
    ),
  CORRUPT: ['VTAB', 'SEQUENCE', 'INDEX'],
  ERROR: ['MISSING_COLLSEQ', 'RETRY', 'SNAPSHOT', 'RESERVESIZE', 'KEY', 'UNABLE'],
  IOERR:
    'READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM ACCESS CHECKRESERVEDLOCK LOCK CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT MMAP GETTEMPPATH CONVPATH VNODE AUTH BEGIN_ATOMIC COMMIT_ATOMIC ROLLBACK_ATOMIC DATA CORRUPTFS IN_PAGE BADKEY CODEC'.split(
      ' ',
    ),
  LOCKED: ['SHAREDCACHE', 'VTAB'],
  NOTICE: ['RECOVER_WAL', 'RECOVER_ROLLBACK', 'RBU'],
  READONLY: ['RECOVERY', 'CANTLOCK', 'ROLLBACK', 'DBMOVED', 'CANTINIT', 'DIRECTORY'],
  WARNING: ['AUTOINDEX'],
};

const texts: DriverErrorTexts = {
  codeOf: (error) => ruleOf(error).code,
  advice: {
    STORAGE_BUSY:
      'another thread or process kept it locked for longer than busyTimeoutMs, or a resource ran out. ' +
      'If that lasts, raise busyTimeoutMs.',
    STORAGE_CLOSED: 'the file is closed. Open it again.',
    STORAGE_CORRUPT:
      'it is damaged. Restore it from a backup, or save what is readable with the sqlite3 command `.recover`.',
    STORAGE_DENIED: 'access was denied. Check the rights of this process.',
    STORAGE_FAILED: 'SQLite failed; see `cause`.',
    STORAGE_FOREIGN: 'it is not a kahn database. The file was not changed: move it away.',
    STORAGE_FULL: 'the disk is full. Make room.',
    STORAGE_MISSING: 'the file is not there, or was replaced while in use. Mount its disk or restore it.',
    STORAGE_NOT_SET_UP: 'its tables do not exist. Start a runner with setupTables: true, or restore them.',
    STORAGE_REFUSED: 'a constraint, a trigger or a limit of the database refused what was to be recorded.',
    STORAGE_UNREACHABLE: 'the disk or its file system fails. Check the disk and its mount.',
    STORAGE_UNWRITABLE:
      'the file or its directory is not readable and writable. ' +
      'Check its permissions, that it is an ordinary file, and how many files this process has open.',
  },
};

/** A commit failed in a way that may have recorded the transaction. */
export class UncertainCommit extends Error {
  constructor(cause: unknown) {
    super('', { cause });
  }
}

/** Turns an error of SQLite or the file system into a StorageError; returns errors of kahn as they are. */
export function explained(error: unknown, file: StorageLocation, activity: Activity): KahnError {
  if (error instanceof UncertainCommit) {
    const failure = explained(error.cause, file, 'reading');
    return activity === 'recording' ? outcomeUnknown(file, failure) : failure;
  }
  return explainDriverError(error, file, activity, texts);
}

function outcomeUnknown(file: StorageLocation, cause: KahnError): KahnError {
  const reason =
    'the disk failed while the call was recorded. It is recorded as a whole or not at all: get the aggregates again to find out.';
  return storageError('STORAGE_OUTCOME_UNKNOWN', file, reason, { cause });
}

/** Returns whether SQLite could not get a lock. */
export function isBusy(error: unknown): boolean {
  return ruleOf(error).code === 'STORAGE_BUSY';
}

/** Returns the rule for an error of SQLite or the file system. */
export function ruleOf(error: unknown): ErrorRule {
  if (error instanceof UncertainCommit) return ruleOf(error.cause);
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return typeof errcode === 'number'
    ? resultCodes.ruleFor(resultCode(errcode))
    : nodeErrors.ruleFor(`${code}`);
}

/** Returns whether an error has a result code of this class, such as SQLITE_CORRUPT. */
export function isResult(error: unknown, primary: string): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && resultCode(errcode & 0xff) === primary;
}

/** Returns SQLite's name of a result code, such as SQLITE_IOERR_FSYNC. */
export function resultCode(errcode: number): string {
  const primary = primaryCodes[errcode & 0xff] ?? `${errcode & 0xff}`;
  const extended = extendedCodes[primary]?.[(errcode >> 8) - 1];
  return `SQLITE_${primary}${extended ? `_${extended}` : ''}`;
}

/** Returns whether an error is one of SQLite. */
export function isOfDriver(error: unknown): boolean {
  return typeof (error as { errcode?: unknown } | undefined)?.errcode === 'number';
}

/** Returns whether a statement would write on a connection that only reads. */
export function isWriteWhileReading(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' && resultCode(errcode) === 'SQLITE_READONLY';
}

/** Returns whether an error is due to the disk, the file system or other users of the file, and not to a statement. */
export function isOfEnvironment(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && !codesOfStatements.includes(ruleOf(error).code);
}

/** Codes of errors that a statement may cause. */
const codesOfStatements: readonly string[] = [
  'STORAGE_DENIED',
  'STORAGE_FAILED',
  'STORAGE_REFUSED',
] satisfies StorageErrorCode[];
