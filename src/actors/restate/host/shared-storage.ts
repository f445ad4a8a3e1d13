import { InvalidStorageError } from '../../../storage/errors.ts';
import { memory } from '../../../storage/memory/index.ts';
import { assertStorage, type StorageDescription } from '../../../storage/storage.ts';

/** Throws InvalidStorageError unless other processes can open the storage. */
export function assertShared(storage: StorageDescription): void {
  assertStorage(storage);
  if (storage.module !== memory().module) return;
  throw new InvalidStorageError(
    'Actors run in other processes than their runner, where nobody can open its memory(): give the runner and the ' +
      'service the same storage, such as postgres({ connectionString }).',
  );
}
