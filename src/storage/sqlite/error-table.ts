import { broken, ErrorTable, kept, replaced, rules } from '../sql/error-table.ts';

/**
 * Rules for errors of SQLite, by result code: https://sqlite.org/rescode.html. Extended result codes are listed if their
 * rule differs from the rule of their class.
 */
export const resultCodes: ErrorTable = new ErrorTable([
  ...rules(
    'STORAGE_BUSY',
    kept,
    'SQLITE_BUSY*: another thread or process holds a lock',
    'SQLITE_LOCKED*: a table is locked',
    'SQLITE_PROTOCOL: too many lost races for the write-ahead log',
    'SQLITE_INTERRUPT: interrupted',
    'SQLITE_SCHEMA: tables are being changed',
    'SQLITE_ERROR_RETRY: statement to be prepared again',
    'SQLITE_ERROR_SNAPSHOT: snapshot no longer available',
    'SQLITE_NOMEM: out of memory',
    'SQLITE_IOERR_NOMEM: out of memory',
  ),
  ...rules(
    'STORAGE_FULL',
    kept,
    'SQLITE_FULL: disk or file full',
    'SQLITE_NOLFS: file too large for its disk',
  ),
  ...rules(
    'STORAGE_UNREACHABLE',
    broken,
    'SQLITE_IOERR*: the disk or its file system failed to read, write, sync or lock',
  ),
  ...rules(
    'STORAGE_UNWRITABLE',
    replaced,
    'SQLITE_CANTOPEN*: file cannot be opened: access, mount or too many open files',
    'SQLITE_PERM: access denied',
    'SQLITE_READONLY*: file or directory is read-only',
  ),
  ...rules(
    'STORAGE_MISSING',
    replaced,
    'SQLITE_READONLY_DBMOVED: file moved, deleted or replaced while in use',
  ),
  ...rules('STORAGE_DENIED', replaced, 'SQLITE_AUTH*: not authorized', 'SQLITE_IOERR_AUTH: not authorized'),
  ...rules(
    'STORAGE_CORRUPT',
    kept,
    'SQLITE_CORRUPT*: file damaged',
    'SQLITE_NOTADB: not a database',
    'SQLITE_IOERR_CORRUPTFS: file system damaged',
    'SQLITE_IOERR_DATA: checksum of a page is wrong',
  ),
  ...rules(
    'STORAGE_REFUSED',
    kept,
    'SQLITE_CONSTRAINT*: constraint violated, or refused by a trigger',
    'SQLITE_MISMATCH: value of the wrong type',
    'SQLITE_RANGE: value of no parameter',
    'SQLITE_TOOBIG: value too large',
  ),
  ...rules(
    'STORAGE_FAILED',
    replaced,
    'SQLITE_ABORT*: operation aborted',
    'SQLITE_EMPTY: unused',
    'SQLITE_ERROR*: statement and tables do not match, as while tables are changed',
    'SQLITE_FORMAT: unused',
    'SQLITE_INTERNAL: internal error',
    'SQLITE_MISUSE: wrong use of SQLite',
    'SQLITE_NOTFOUND: unknown operation of a file',
    'SQLITE_NOTICE*: remark',
    'SQLITE_WARNING*: warning',
    '*: any other error of SQLite',
  ),
]);

/** Rules for errors of Node: of the file system, when a file is opened, and of the module node:sqlite. */
export const nodeErrors: ErrorTable = new ErrorTable([
  ...rules('STORAGE_MISSING', replaced, 'ENOENT: file or directory does not exist, as without its mount'),
  ...rules(
    'STORAGE_UNWRITABLE',
    replaced,
    'EACCES: access denied',
    'EPERM: access denied',
    'EROFS: file system is read-only',
    'ENOTDIR: part of the path is no directory',
    'EISDIR: the path is a directory',
    'ELOOP: too many symbolic links',
    'ENAMETOOLONG: path too long',
  ),
  ...rules(
    'STORAGE_BUSY',
    kept,
    'EAGAIN: resource busy',
    'EBUSY: resource busy',
    'EMFILE: too many open files in this process',
    'ENFILE: too many open files on this machine',
    'ENOMEM: out of memory',
    'ETXTBSY: file busy',
  ),
  ...rules('STORAGE_FULL', kept, 'EDQUOT: quota exceeded', 'EFBIG: file too large', 'ENOSPC: disk full'),
  ...rules(
    'STORAGE_UNREACHABLE',
    broken,
    'EIO: the disk failed',
    'ENODEV: no such disk',
    'ENOTCONN: network file system not connected',
    'ENXIO: no such disk',
    'EHOSTDOWN: host of the file system down',
    'EHOSTUNREACH: no route to the host of the file system',
    'ESTALE: file of a network file system replaced',
    'ETIMEDOUT: network file system timed out',
  ),
  ...rules(
    'STORAGE_REFUSED',
    kept,
    'ERR_INVALID_ARG_TYPE: value cannot be stored',
    'ERR_INVALID_ARG_VALUE: value cannot be stored',
    'ERR_STRING_TOO_LONG: value too large',
  ),
  ...rules('STORAGE_FAILED', replaced, 'ERR_INVALID_STATE: database not open', '*: any other error'),
]);
