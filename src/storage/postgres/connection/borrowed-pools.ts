import { newId } from '../../../util/ids.ts';
import { InvalidStorageError } from '../../errors.ts';
import type { StorageDescription } from '../../storage.ts';
import type { PostgresPool } from '../driver-types.ts';

// A pool cannot be cloned, so a description holds its id; neither is kept alive by the other's table.
const pools = new Map<string, WeakRef<PostgresPool>>();
const freed = new FinalizationRegistry<string>((id) => pools.delete(id));

/** Notes a pool of the user's and gives the id by which this thread finds it again, as long as its owner keeps it. */
export function idOfPool(pool: unknown): string {
  if (typeof (pool as Partial<PostgresPool> | null)?.connect !== 'function') {
    throw new InvalidStorageError(
      "postgres() was given a pool that is none: pass a Pool of the driver 'pg'.",
    );
  }
  const id = newId();
  pools.set(id, new WeakRef(pool as PostgresPool));
  freed.register(pool as PostgresPool, id);
  return id;
}

/** The pool of this id; undefined in any other thread. */
export function poolOfId(id: string): PostgresPool | undefined {
  return pools.get(id)?.deref();
}

/** The same options, unless they have a pool, which other threads cannot find: InvalidStorageError. */
export function forThreads(options: StorageDescription['options']): StorageDescription['options'] {
  return withoutPool(options, 'thread');
}

/** The same options, unless they have a pool, which other processes cannot find: InvalidStorageError. */
export function forProcesses(options: StorageDescription['options']): StorageDescription['options'] {
  return withoutPool(options, 'process');
}

function withoutPool(options: StorageDescription['options'], where: string): StorageDescription['options'] {
  if (options.poolId === undefined) return options;
  throw new InvalidStorageError(
    `postgres() was given a pool, which cannot go to another ${where}: pass a connectionString instead, so that each ` +
      `${where} has connections of its own.`,
  );
}
