import { StorageError, type StorageErrorCode } from './errors.ts';

/** The storage of one application, as error messages name it. */
export interface StorageLocation {
  /** Empty where a call concerns all applications. */
  readonly applicationName: string;
  /** For example `schema 'shop' of database 'app' at db.example:5432`. Contains no secret. */
  readonly location: string;
}

/** Creates an error that says why the application cannot use its storage. */
export function storageError(
  code: StorageErrorCode,
  { applicationName, location }: StorageLocation,
  reason: string,
  options?: { cause?: unknown },
): StorageError {
  const user = applicationName === '' ? 'kahn' : `Application '${applicationName}'`;
  const message = `${user} cannot use ${location}: ${reason}`;
  return new StorageError(code, applicationName, message, options);
}

/** Creates the error for a call of a closed recorder. */
export function recorderClosed(location: StorageLocation): StorageError {
  return storageError(
    'STORAGE_CLOSED',
    location,
    'it is closed. Await every call before you close the application or the runner, or open it again.',
  );
}

/** Creates the error for a call of a closed table of keys. */
export function subjectKeysClosed(location: StorageLocation): StorageError {
  return storageError('STORAGE_CLOSED', location, 'this table of keys is closed. Open it again.');
}
