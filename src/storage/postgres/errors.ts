import type { KahnError } from '../../util/errors.ts';
import type { StorageErrorCode } from '../errors.ts';
import { type DriverErrorRules, explainDriverError } from '../sql/driver-error.ts';
import type { StorageLocation } from '../storage-location.ts';

// SQLSTATEs with a meaning of their own, https://www.postgresql.org/docs/current/errcodes-appendix.html
const storageCodes: Readonly<Record<string, StorageErrorCode>> = {
  '25006': 'STORAGE_UNWRITABLE', // read_only_sql_transaction
  '28000': 'STORAGE_DENIED', // invalid_authorization_specification
  '28P01': 'STORAGE_DENIED', // invalid_password
  '3D000': 'STORAGE_MISSING', // invalid_catalog_name
  '3F000': 'STORAGE_NOT_SET_UP', // invalid_schema_name
  '40001': 'STORAGE_BUSY', // serialization_failure
  '40P01': 'STORAGE_BUSY', // deadlock_detected
  '42501': 'STORAGE_DENIED', // insufficient_privilege
  '42P01': 'STORAGE_NOT_SET_UP', // undefined_table
  '42P07': 'STORAGE_FOREIGN', // duplicate_table
  '53000': 'STORAGE_BUSY', // insufficient_resources
  '53100': 'STORAGE_FULL', // disk_full
  '53200': 'STORAGE_BUSY', // out_of_memory
  '53300': 'STORAGE_BUSY', // too_many_connections
  '53400': 'STORAGE_BUSY', // configuration_limit_exceeded
  '55P03': 'STORAGE_BUSY', // lock_not_available
  '57014': 'STORAGE_BUSY', // query_canceled, by the statement time-out or by hand
  '57P01': 'STORAGE_UNREACHABLE', // admin_shutdown
  '57P02': 'STORAGE_UNREACHABLE', // crash_shutdown
  '57P03': 'STORAGE_BUSY', // cannot_connect_now: the server is starting up or shutting down
  '57P05': 'STORAGE_UNREACHABLE', // idle_session_timeout
  XX001: 'STORAGE_CORRUPT', // data_corrupted
  XX002: 'STORAGE_CORRUPT', // index_corrupted
};

const rules: DriverErrorRules = {
  codeOf: storageCode,
  advice: {
    STORAGE_BUSY:
      'the server or the pool was busy for too long. Try again, or raise statementTimeoutMs, connectionTimeoutMs or retryTimeoutMs.',
    STORAGE_CORRUPT: 'the server found damaged data. Restore it from a backup.',
    STORAGE_DENIED: 'the server denied access. Check the user, its password, its rights and TLS.',
    STORAGE_FOREIGN:
      'a table with that name already exists and was not created by kahn. ' +
      'The table was not changed: move it away, or choose another schema.',
    STORAGE_FULL:
      'the disk of the server is full. Nothing of this call is recorded; make room and try again.',
    STORAGE_MISSING: 'there is no such database. Create it first.',
    STORAGE_NOT_SET_UP: 'its tables do not exist. Open it with setupTables: true, or restore them.',
    STORAGE_REFUSED:
      'a constraint, a trigger, a row policy or a limit of the server or the driver refused what was to be recorded. ' +
      'Nothing of it is recorded.',
    STORAGE_UNREACHABLE: 'the server is unreachable. Check its host and port, and that it is running.',
    STORAGE_UNWRITABLE: 'the server is read-only, as a standby is. Connect to the primary.',
  },
};

/** Turns an error of the driver or the server into a StorageError; returns errors of kahn as they are. */
export function explained(error: unknown, tables: StorageLocation): KahnError {
  return explainDriverError(error, tables, rules);
}

/** Returns whether the error is an answer of the server after which the connection is still usable. */
export function isAnswer(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return false;
  const { severity } = error as { severity?: string };
  // Some servers translate the severity; then the code shows whether the connection may have ended.
  return severity === 'ERROR' || !(severity === 'FATAL' || severity === 'PANIC' || ending.test(state));
}

const ending = /^(08|25P0[34]|28|53|57P|58|XX)/;

/** Whether the server refused the rows of a statement, or the driver could not encode them. */
function isRefusal(error: unknown, state: string | undefined): boolean {
  if (state === undefined) return error instanceof RangeError;
  const { routine } = error as { routine?: unknown };
  return refusing.test(state) || (state === '42501' && routine === 'ExecWithCheckOptions'); // a row policy
}

// Data exceptions, constraints, check options of views, limits of the server, and errors that triggers raise
const refusing = /^(22|23|44|54|P0001)/;

/** Whether the server refused a statement as it does if versions or positions are in conflict, see `appendText`. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '23505' || state === '23502'; // unique_violation, not_null_violation
}

/** Whether a constraint that kahn does not create refused a statement, given an error for which no conflict is found. */
export function isForeignRefusal(error: unknown): boolean {
  const { constraint, column } = (error ?? {}) as { constraint?: unknown; column?: unknown };
  if (sqlState(error ?? {}) === '23505') return !ownConstraint.test(String(constraint));
  return sqlState(error ?? {}) === '23502' && column !== 'head' && column !== 'notification_id';
}

// PostgreSQL names the keys of a table so, also if it shortens the name.
const ownConstraint = /_pkey\d*$|_key\d*$/;

/** Returns the server's code of an error; undefined if the error is not from the server. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity !== undefined && typeof code === 'string' ? code : undefined;
}

/** Returns the code of the StorageError for an error of the driver or the server. */
export function storageCode(error: unknown): StorageErrorCode {
  const state = sqlState(error);
  if (isRefusal(error, state)) return 'STORAGE_REFUSED';
  if (state !== undefined) {
    return storageCodes[state] ?? (/^08/.test(state) ? 'STORAGE_UNREACHABLE' : 'STORAGE_FAILED');
  }
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = `${code} ${message}`;
  if (/CERT|TLS|SSL|SASL|SELF_SIGNED|UNABLE_TO_/.test(text)) return 'STORAGE_DENIED';
  if (/^undefined timeout exceeded when trying to connect/.test(text)) return 'STORAGE_BUSY'; // no free connection
  if (error instanceof TypeError || error instanceof RangeError) return 'STORAGE_FAILED';
  return 'STORAGE_UNREACHABLE'; // all other errors of the driver concern a connection
}
