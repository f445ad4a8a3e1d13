import { InvalidStorageError } from '../../../storage/errors.ts';
import { memory } from '../../../storage/memory/index.ts';
import { assertStorage, type StorageDescription } from '../../../storage/storage.ts';

/**
 * Throws InvalidStorageError unless other processes can open the storage. Unlike `storageForProcesses()`, accepts a
 * description that cannot be sent to them, such as one with a pool: each service has its own description.
 */
export function assertShared(storage: StorageDescription): void {
  assertStorage(storage);
  if (storage.module !== memory().module) return;
  throw new InvalidStorageError(
    "Storage 'memory()' cannot be opened by other processes, where the actors run: give the runner and the service the " +
      'same database, such as postgres({ connectionString }).',
  );
}
