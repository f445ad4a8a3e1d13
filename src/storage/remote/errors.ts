import { failureTextOf } from '../../util/errors.ts';
import { StorageError, type StorageErrorCode } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';
import { foreignLog } from './log-names.ts';

/** The log of another system that a call concerns. */
export type RemoteLocation = StorageLocation;

/** Returns where a log of another system is, for messages. */
export function remoteLocation(applicationName: string, url: string): RemoteLocation {
  return { applicationName, location: `its log at ${url}` };
}

/** Creates the error for a server that answers what no log can hold. Its follower stops, because nothing else is safe. */
export function invalidAnswer(location: RemoteLocation, reason: string): StorageError {
  return storageError('STORAGE_CORRUPT', location, `the server answers what a log cannot hold: ${reason}.`);
}

/** Creates the error for a call that only the other system can do. */
export function notOurs(location: RemoteLocation, what: string): StorageError {
  const reason = `it belongs to another system, so this one cannot ${what}.`;
  return storageError('STORAGE_REFUSED', location, reason);
}

const codes: Readonly<Record<number, StorageErrorCode>> = {
  401: 'STORAGE_DENIED',
  403: 'STORAGE_DENIED',
  404: 'STORAGE_MISSING',
  429: 'STORAGE_BUSY',
  503: 'STORAGE_BUSY',
};

const hints: Partial<Readonly<Record<StorageErrorCode, string>>> = {
  STORAGE_DENIED: ' Check the headers that are sent.',
  STORAGE_MISSING:
    ' Check the `url` of remote(), and that serveLogs() of the other system names the application.',
};

/** Creates the error for an answer without the document that was asked for. */
export function refusedAnswer(location: RemoteLocation, status: number): StorageError {
  if (status >= 300 && status < 400) {
    const reason = `the server redirects to another place (status ${status}), which is not followed. Use the final URL.`;
    return storageError('STORAGE_DENIED', location, reason);
  }
  const code = codes[status] ?? 'STORAGE_UNREACHABLE';
  return storageError(code, location, `the server answered with the status ${status}.${hints[code] ?? ''}`);
}

/** Creates the error for headers of a request that cannot be sent. */
export function invalidHeaders(location: RemoteLocation): StorageError {
  const reason =
    'the function `headers` failed, or returned what are no HTTP headers. Check what it returns.';
  return storageError('STORAGE_DENIED', location, reason);
}

/**
 * Whether an error says that the log of an application is in another system, which cannot be asked now. Other logs can be
 * read meanwhile.
 */
export function isAway(error: unknown, applicationName: string): error is StorageError {
  return isUnreadable(error, applicationName) && error.transient;
}

/** Whether an error says that the log of an application is in another system, and cannot be read for any reason. */
export function isUnreadable(error: unknown, applicationName: string): error is StorageError {
  if (!(error instanceof StorageError)) return false;
  return error.applicationName === applicationName && foreignLog(applicationName) !== undefined;
}

/** Returns the error for a request that failed: it is no answer of a server. */
export function unreachable(location: RemoteLocation, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const reason = cause === undefined ? 'not yet' : failureTextOf(cause);
  return storageError('STORAGE_UNREACHABLE', location, `the server did not answer (${reason}).`, {
    ...(cause !== undefined && { cause }),
  });
}
