import { expect, it } from 'vitest';
import { StorageError, type StorageErrorCode } from '../../../../src/storage/errors.ts';
import { nodeErrors, resultCodes } from '../../../../src/storage/sqlite/error-table.ts';
import { explained, resultCode, ruleOf, UncertainCommit } from '../../../../src/storage/sqlite/errors.ts';

const file = { applicationName: 'orders', path: 'orders.sqlite', location: "'orders.sqlite'" };

/** Numbers of all result codes, https://sqlite.org/rescode.html: those of a class count up in steps of 256. */
const numbersOf = (primary: number, extended: number) =>
  Array.from({ length: extended + 1 }, (_, i) => primary + 256 * i);
const extended: Readonly<Record<number, number>> = {
  1: 6, 4: 2, 5: 3, 6: 2, 8: 6, 10: 36, 11: 3, 14: 6, 19: 12, 23: 1, 27: 3, 28: 1,
}; // biome-ignore format: one class after the other
const numbers = Array.from({ length: 28 }, (_, i) => i + 1).flatMap((primary) =>
  numbersOf(primary, extended[primary] ?? 0),
);

function sqliteError(errcode: number): Error {
  return Object.assign(new Error('what went wrong'), { code: 'ERR_SQLITE_ERROR', errcode });
}

function isRetried(error: Error): boolean {
  const storageError = explained(error, file, 'reading');
  return storageError instanceof StorageError && storageError.transient;
}

it('has a rule for every result code', () => {
  expect(numbers).toHaveLength(109);
  expect(numbers.filter((one) => resultCodes.ruleFor(resultCode(one)).error === '*')).toEqual([]);
  expect(ruleOf(sqliteError(99))).toMatchObject({ error: '*', code: 'STORAGE_FAILED' });
});

it('stops followers for refused data and damage only', () => {
  const stopping = numbers.filter((one) => !isRetried(sqliteError(one))).map(resultCode);
  const proven = /^SQLITE_(CORRUPT|NOTADB|CONSTRAINT|MISMATCH|RANGE|TOOBIG|IOERR_CORRUPTFS$|IOERR_DATA$)/;
  expect(stopping.filter((name) => !proven.test(name))).toEqual([]);
  expect(numbers.map(resultCode).filter((name) => proven.test(name) && !stopping.includes(name))).toEqual([]);
});

const troubles: readonly (readonly [
  number,
  name: string,
  code: StorageErrorCode,
  connection: 'kept' | 'replaced',
])[] = [
  [5, 'SQLITE_BUSY', 'STORAGE_BUSY', 'kept'],
  [261, 'SQLITE_BUSY_RECOVERY', 'STORAGE_BUSY', 'kept'],
  [517, 'SQLITE_BUSY_SNAPSHOT', 'STORAGE_BUSY', 'kept'],
  [773, 'SQLITE_BUSY_TIMEOUT', 'STORAGE_BUSY', 'kept'],
  [262, 'SQLITE_LOCKED_SHAREDCACHE', 'STORAGE_BUSY', 'kept'],
  [7, 'SQLITE_NOMEM', 'STORAGE_BUSY', 'kept'],
  [3082, 'SQLITE_IOERR_NOMEM', 'STORAGE_BUSY', 'kept'],
  [15, 'SQLITE_PROTOCOL', 'STORAGE_BUSY', 'kept'],
  [13, 'SQLITE_FULL', 'STORAGE_FULL', 'kept'],
  [10, 'SQLITE_IOERR', 'STORAGE_UNREACHABLE', 'replaced'],
  [778, 'SQLITE_IOERR_WRITE', 'STORAGE_UNREACHABLE', 'replaced'],
  [1034, 'SQLITE_IOERR_FSYNC', 'STORAGE_UNREACHABLE', 'replaced'],
  [3850, 'SQLITE_IOERR_LOCK', 'STORAGE_UNREACHABLE', 'replaced'],
  [5386, 'SQLITE_IOERR_SHMMAP', 'STORAGE_UNREACHABLE', 'replaced'],
  [8, 'SQLITE_READONLY', 'STORAGE_UNWRITABLE', 'replaced'],
  [264, 'SQLITE_READONLY_RECOVERY', 'STORAGE_UNWRITABLE', 'replaced'],
  [1032, 'SQLITE_READONLY_DBMOVED', 'STORAGE_MISSING', 'replaced'],
  [1544, 'SQLITE_READONLY_DIRECTORY', 'STORAGE_UNWRITABLE', 'replaced'],
  [14, 'SQLITE_CANTOPEN', 'STORAGE_UNWRITABLE', 'replaced'],
  [526, 'SQLITE_CANTOPEN_ISDIR', 'STORAGE_UNWRITABLE', 'replaced'],
  [3, 'SQLITE_PERM', 'STORAGE_UNWRITABLE', 'replaced'],
  [1, 'SQLITE_ERROR', 'STORAGE_FAILED', 'replaced'],
  [11, 'SQLITE_CORRUPT', 'STORAGE_CORRUPT', 'kept'],
  [779, 'SQLITE_CORRUPT_INDEX', 'STORAGE_CORRUPT', 'kept'],
  [8458, 'SQLITE_IOERR_CORRUPTFS', 'STORAGE_CORRUPT', 'kept'],
  [26, 'SQLITE_NOTADB', 'STORAGE_CORRUPT', 'kept'],
  [1811, 'SQLITE_CONSTRAINT_TRIGGER', 'STORAGE_REFUSED', 'kept'],
  [3091, 'SQLITE_CONSTRAINT_DATATYPE', 'STORAGE_REFUSED', 'kept'],
];

it.each(troubles)('%i is %s: %s, and the connection is %s', (number, name, code, connection) => {
  expect(resultCode(number)).toBe(name);
  expect(ruleOf(sqliteError(number))).toMatchObject({ code, connection });
});

it.each([
  ['ENOENT', 'STORAGE_MISSING'],
  ['EACCES', 'STORAGE_UNWRITABLE'],
  ['EROFS', 'STORAGE_UNWRITABLE'],
  ['EMFILE', 'STORAGE_BUSY'],
  ['ENOSPC', 'STORAGE_FULL'],
  ['EIO', 'STORAGE_UNREACHABLE'],
  ['ESTALE', 'STORAGE_UNREACHABLE'],
  ['ERR_INVALID_ARG_TYPE', 'STORAGE_REFUSED'],
  ['ERR_INVALID_STATE', 'STORAGE_FAILED'],
  ['E_NEW', 'STORAGE_FAILED'],
])('%s is %s', (code, expected) => {
  expect(ruleOf(Object.assign(new Error(), { code })).code).toBe(expected);
});

it('reports a failed commit as unknown if it may be recorded', () => {
  const failed = new UncertainCommit(sqliteError(1034));
  expect(explained(failed, file, 'recording')).toMatchObject({
    code: 'STORAGE_OUTCOME_UNKNOWN',
    transient: true,
    message: expect.stringContaining('as a whole or not at all'),
    cause: { code: 'STORAGE_UNREACHABLE', cause: { errcode: 1034 } },
  });
  expect(explained(failed, file, 'reading')).toMatchObject({ code: 'STORAGE_UNREACHABLE' });
});

it('lists each error once', () => {
  for (const { rules } of [resultCodes, nodeErrors]) {
    expect(new Set(rules.map(({ error }) => error)).size).toBe(rules.length);
    expect(rules.filter(({ error, meaning }) => error === '' || meaning === '')).toEqual([]);
  }
});
