import { StorageError } from '../errors.ts';

/** The description has come to a thread or process in which nothing of its memory can be reached. */
export function elsewhere(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_MISSING',
    applicationName,
    `Application '${applicationName}' cannot open this memory(): it was made in another thread or process, or its ` +
      'description has been garbage-collected. It does not cross threads by itself, but a MultiThreadedRunner ' +
      'takes it along; for threads and processes of your own use storage such as sqlite({ directory }).',
  );
}

/** Another thread has made the memory and not opened the application in it before it was shared. */
export function notShared(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_NOT_SET_UP',
    applicationName,
    `Application '${applicationName}' is not in this memory(), which was made in another thread: open it there with ` +
      'setupTables: true before the memory is shared with this one.',
  );
}

/** There is nothing, and nothing may be created. */
export function notSetUp(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_NOT_SET_UP',
    applicationName,
    `Application '${applicationName}' has nothing in this memory() yet: open it with setupTables: true first.`,
  );
}
