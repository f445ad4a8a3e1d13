import type { StorageDescription } from '../storage.ts';
import { idOfPool } from './connection/borrowed-pools.ts';
import type { PostgresClient, PostgresPool } from './driver-types.ts';
import { assertPoolAlone, type PostgresOptions, type PostgresTls, settingsFrom } from './options.ts';

export { forProcesses, forThreads } from './connection/borrowed-pools.ts';
export { openStorage } from './storage.ts';
export type { PostgresClient, PostgresOptions, PostgresPool, PostgresTls };

/**
 * Storage in PostgreSQL, four tables for each application in one schema, for any number of processes on any number
 * of hosts. Needs the driver: `npm install pg`. Nothing is connected yet.
 *
 * @throws InvalidStorageError if an option is unknown or has an impossible value.
 * @example postgres({ connectionString: 'postgres://app:secret@db.example/app', schema: 'shop' })
 */
export function postgres(options: PostgresOptions = {}): StorageDescription {
  const { pool, ...others } = options;
  if (pool !== undefined) assertPoolAlone(others);
  const settings = settingsFrom(pool === undefined ? others : { ...others, poolId: idOfPool(pool) });
  return { module: import.meta.url, options: { ...settings } };
}
