import { InvalidStorageError, type StorageError } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';

/** The memory of an application, as error messages name it. */
export function memoryLocation(applicationName: string): StorageLocation {
  return { applicationName, location: 'memory()' };
}

/** Creates the error for a description that came from another thread or process without its data. */
export function notInThisThread(applicationName: string): StorageError {
  const reason =
    'it was created in another thread or process, or its description was garbage-collected. ' +
    'A MultiThreadedRunner shares it with its threads; ' +
    'for threads and processes of your own, use storage such as sqlite({ file }).';
  return storageError('STORAGE_MISSING', memoryLocation(applicationName), reason);
}

/** Creates the error for an application that was not opened before its memory was shared with this thread. */
export function notShared(applicationName: string): StorageError {
  const reason =
    'the thread that created it shared it before it opened this application. ' +
    'Open the application there with setupTables: true, then share the memory.';
  return storageError('STORAGE_NOT_SET_UP', memoryLocation(applicationName), reason);
}

/** Creates the error for an application that has no data and must not be set up. */
export function notSetUp(applicationName: string): StorageError {
  const reason =
    'the application has no data there. If it ran before, it was in other memory; if not, start a runner there, which sets ' +
    'it up unless setupTables is false.';
  return storageError('STORAGE_NOT_SET_UP', memoryLocation(applicationName), reason);
}

/** Creates the error for a journal without room for the next entry. */
export function journalFull(applicationName: string, cause: unknown): StorageError {
  const reason =
    'the memory that its threads share is full. Use storage that memory does not limit, such as sqlite({ file }).';
  return storageError('STORAGE_FULL', memoryLocation(applicationName), reason, { cause });
}

/** Creates the error for a lock that another thread holds for too long. */
export function lockTimeout(applicationName: string): StorageError {
  const reason = 'another thread keeps it locked. Try again.';
  return storageError('STORAGE_BUSY', memoryLocation(applicationName), reason);
}

/** Creates the error for applications that record rows in memory that several threads share. */
export function rowsAcrossThreads(applicationNames: readonly string[]): InvalidStorageError {
  const names = applicationNames.map((name) => `'${name}'`).join(', ');
  return new InvalidStorageError(
    `Rows of ${names} cannot be recorded in memory() that threads share: their database is in one thread. Use ` +
      'sqlite({ file }), or a runner without threads.',
  );
}
