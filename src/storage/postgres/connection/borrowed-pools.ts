import { newId } from '../../../util/ids.ts';
import { InvalidStorageError } from '../../errors.ts';
import type { StorageOptions } from '../../storage.ts';
import type { PostgresPool } from '../driver-types.ts';

// A pool cannot be cloned, so a description holds its id. The table does not keep the pool alive.
const pools = new Map<string, WeakRef<PostgresPool>>();
const freed = new FinalizationRegistry<string>((id) => pools.delete(id));

/**
 * Registers a pool of the user and returns its id. This thread finds the pool by its id as long as the user keeps it.
 */
export function idOfPool(pool: PostgresPool): string {
  const id = newId();
  pools.set(id, new WeakRef(pool));
  freed.register(pool, id);
  return id;
}

/** Returns the pool with the id; undefined in other threads. */
export function poolOfId(id: string): PostgresPool | undefined {
  return pools.get(id)?.deref();
}

/** Returns the options. Throws InvalidStorageError if they have a pool, which other threads cannot use. */
export function forThreads(options: StorageOptions): StorageOptions {
  return assertNoPool(options, 'thread');
}

/** Returns the options. Throws InvalidStorageError if they have a pool, which other processes cannot use. */
export function forProcesses(options: StorageOptions): StorageOptions {
  return assertNoPool(options, 'process');
}

function assertNoPool(options: StorageOptions, where: 'thread' | 'process'): StorageOptions {
  if (options.poolId === undefined) return options;
  throw new InvalidStorageError(
    `postgres({ pool }) cannot be opened in another ${where}: pass a connectionString instead, so that each ${where} ` +
      'has connections of its own.',
  );
}
