import type { KahnError } from '../../util/errors.ts';
import type { StorageError, StorageErrorCode } from '../errors.ts';
import { type Activity, type DriverErrorTexts, explainDriverError } from '../sql/driver-error.ts';
import type { ErrorEffects, ErrorRule } from '../sql/error-table.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';
import { driverErrors, rowPolicy, serverErrors } from './error-table.ts';

const texts: DriverErrorTexts = {
  codeOf: storageCode,
  advice: {
    STORAGE_BUSY:
      'the server or the pool was busy for too long. If that lasts, raise statementTimeoutMs, connectionTimeoutMs or retryTimeoutMs.',
    STORAGE_CLOSED: 'its pool was ended. End a pool after the runner is closed.',
    STORAGE_CORRUPT: 'the server found damaged data. Restore it from a backup.',
    STORAGE_DENIED: 'the server denied access. Check the user, its password, its rights and TLS.',
    STORAGE_FAILED: 'the server failed; see `cause`.',
    STORAGE_FOREIGN:
      'a table with that name already exists and was not created by kahn. ' +
      'The table was not changed: move it away, or choose another schema.',
    STORAGE_FULL: 'the disk of the server is full. Make room.',
    STORAGE_MISSING: 'there is no such database. Create it first.',
    STORAGE_NOT_SET_UP: 'its tables do not exist. Start a runner with setupTables: true, or restore them.',
    STORAGE_REFUSED:
      'a constraint, a trigger, a row policy or a limit of the server or the driver refused what was to be recorded.',
    STORAGE_UNREACHABLE: 'the server is unreachable. Check its host and port, and that it is running.',
    STORAGE_UNWRITABLE: 'the server is read-only, as a standby is. Connect to the primary.',
  },
};

/**
 * A connection leads to a standby. It is not used at all: a standby may show a state of the past, in which the end of a
 * log seems to be missing.
 */
export class StandbyError extends Error {
  constructor() {
    super('the server is a standby');
    this.name = 'StandbyError';
  }
}

/** Turns an error of the driver or the server into a StorageError; returns errors of kahn as they are. */
export function explained(error: unknown, tables: StorageLocation, activity: Activity): KahnError {
  return explainDriverError(error, tables, activity, texts);
}

/** Creates the error for a change of which it is unknown whether it is recorded. */
export function outcomeUnknown(location: StorageLocation, advice: string, cause: StorageError): StorageError {
  const reason =
    'the connection broke before the server confirmed the commit, and could not be restored in time.';
  return storageError('STORAGE_OUTCOME_UNKNOWN', location, `${reason} ${advice}`, { cause });
}

/** Returns the code of the StorageError for an error of the driver or the server. */
export function storageCode(error: unknown): StorageErrorCode {
  return ruleOf(error).code;
}

/** Returns the effects of an error on the connection and on a commit under way. */
export function effectsOf(error: unknown): ErrorEffects {
  return hasEndedSession(error) ? { connection: 'replaced', commit: 'unknown' } : ruleOf(error);
}

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

function ruleOf(error: unknown): ErrorRule {
  const state = sqlState(error);
  if (state !== undefined) return serverErrors.ruleFor(isRowPolicy(error, state) ? rowPolicy : state);
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  const text = String(message);
  const key = typeof code === 'string' ? code : text.startsWith('SASL') ? 'SASL' : String(name);
  return driverErrors.ruleFor(key, text);
}

function isRowPolicy(error: unknown, state: string): boolean {
  return state === '42501' && (error as { routine?: unknown }).routine === 'ExecWithCheckOptions';
}

/** Whether the server has ended the session with an error, maybe after the commit. */
function hasEndedSession(error: unknown): boolean {
  const state = sqlState(error);
  const { severity } = error as { severity?: string };
  if (state === undefined || severity === 'ERROR') return false;
  // Some servers translate the severity; then the code shows whether the session may have ended.
  return severity === 'FATAL' || severity === 'PANIC' || ending.test(state);
}

const ending = /^(08|25P0[34]|28|53|57P|58|XX)/;
