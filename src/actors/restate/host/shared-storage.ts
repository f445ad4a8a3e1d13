import { InvalidPersistenceError } from '../../../storage/errors.ts';
import { memory } from '../../../storage/memory/index.ts';
import { assertPersistence, type Persistence } from '../../../storage/storage.ts';

/** Throws InvalidPersistenceError unless other processes can open the storage. */
export function assertShared(persistence: Persistence): void {
  assertPersistence(persistence);
  if (persistence.module !== memory().module) return;
  throw new InvalidPersistenceError(
    'Actors run in other processes than their runner, where nobody can open its memory(): give the runner and the ' +
      'service the same persistence, such as postgres({ connectionString }).',
  );
}
