import { KahnError, messageOf } from '../../util/errors.ts';
import { StorageError, type StorageErrorCode } from '../errors.ts';

/** The tables of one application, and where they are; holds no secret. */
export interface Site {
  readonly applicationName: string;
  /** Such as: schema "shop" of database "app" at db.example:5432. */
  readonly place: string;
}

// SQLSTATEs that tell something, https://www.postgresql.org/docs/current/errcodes-appendix.html
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
  '57P03': 'STORAGE_BUSY', // cannot_connect_now: it is starting up or shutting down
  '57P05': 'STORAGE_UNREACHABLE', // idle_session_timeout
  XX001: 'STORAGE_CORRUPT', // data_corrupted
  XX002: 'STORAGE_CORRUPT', // index_corrupted
};

const advice: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  STORAGE_BUSY: 'the server or the pool was too busy for too long. Try again, or allow it more time.',
  STORAGE_CORRUPT: 'the server found damaged data. Restore it from a backup.',
  STORAGE_DENIED: 'the server refuses it. Check the user, its password, its rights and TLS.',
  STORAGE_FOREIGN:
    'there is a table that this library has not made. It has been left as it is: move it away, or choose another schema.',
  STORAGE_FULL: 'the server has no room left. Nothing of this call is stored; make room and try again.',
  STORAGE_MISSING: 'there is no such database. Create it first.',
  STORAGE_NOT_SET_UP: 'its tables are not there (any more). Open it with setupTables: true, or restore them.',
  STORAGE_UNREACHABLE: 'the server could not be reached for too long. Check host, port and that it runs.',
  STORAGE_UNWRITABLE: 'the server only allows reading, as a standby does. Connect to the primary.',
};

/** A {@link StorageError} that says why the application cannot use its tables. */
export function siteError(
  code: StorageErrorCode,
  { applicationName, place }: Site,
  reason: string,
  options?: { cause: unknown },
): StorageError {
  return new StorageError(
    code,
    applicationName,
    `Application '${applicationName}' cannot use ${place}: ${reason}`,
    options,
  );
}

/** What to throw for an error of the driver or the server; errors of ours stay as they are. */
export function explained(error: unknown, site: Site): KahnError {
  if (error instanceof KahnError) return error;
  const code = storageCode(error);
  const reason = advice[code] ?? 'the storage failed; its cause tells more.';
  return siteError(code, site, `${reason} (${messageOf(error) || (error as { code?: string }).code})`, {
    cause: error,
  });
}

/** Whether the server has said so itself, and in such a way that the connection goes on. */
export function isAnswer(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return false;
  const { severity } = error as { severity?: string };
  // Servers say it in their own language: then the code tells whether it is one that may end the connection.
  return severity === 'ERROR' || !(severity === 'FATAL' || severity === 'PANIC' || ending.test(state));
}

const ending = /^(08|25P0[34]|28|53|57P|58|XX)/;

/** The server's code of an error; undefined if it comes from elsewhere. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity !== undefined && typeof code === 'string' ? code : undefined;
}

/** What kind of failure it is. */
export function storageCode(error: unknown): StorageErrorCode {
  const state = sqlState(error);
  if (state !== undefined)
    return storageCodes[state] ?? (/^08/.test(state) ? 'STORAGE_UNREACHABLE' : 'STORAGE_FAILED');
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = `${code} ${message}`;
  if (/CERT|TLS|SSL|SASL|SELF_SIGNED|UNABLE_TO_/.test(text)) return 'STORAGE_DENIED';
  if (/^undefined timeout exceeded when trying to connect/.test(text)) return 'STORAGE_BUSY'; // of the pool's own queue
  if (error instanceof TypeError || error instanceof RangeError) return 'STORAGE_FAILED';
  return 'STORAGE_UNREACHABLE'; // the driver's other errors are those of a connection
}
