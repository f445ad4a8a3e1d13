import type { StorageError } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';

/** Versions of an application's tables: found and needed. */
export interface TableVersions {
  /** Version of the existing tables; undefined if there are none. */
  readonly found: number | undefined;
  /** Version that this release reads and writes. */
  readonly current: number;
}

/**
 * Returns whether tables must be created or upgraded first.
 *
 * @throws {@link StorageError} STORAGE_NEWER if a later release has upgraded them; STORAGE_NOT_SET_UP or
 * STORAGE_OLDER if they must be created or upgraded, but `setupTables` is false.
 */
export function needsSetUp(
  { found, current }: TableVersions,
  setupTables: boolean,
  location: StorageLocation,
): boolean {
  if (found === current) return false;
  if (found !== undefined && found > current) {
    const reason = `its tables have version ${found}, but this release of kahn knows ${current} at most.`;
    throw storageError(
      'STORAGE_NEWER',
      location,
      `${reason} Use the release that wrote them, or a later one.`,
    );
  }
  if (found !== undefined && found < 1) {
    const reason = `its tables have version ${found}, which does not exist. Restore them from a backup.`;
    throw storageError('STORAGE_CORRUPT', location, reason);
  }
  if (setupTables) return true;
  if (found === undefined) throw notSetUp(location);
  const reason = `its tables have version ${found}, but this release of kahn needs ${current}.`;
  const advice = 'Open the application once with setupTables: true and the right to alter its tables.';
  throw storageError('STORAGE_OLDER', location, `${reason} ${advice}`);
}

/** Creates the error for tables that do not exist and must not be created. */
export function notSetUp(location: StorageLocation): StorageError {
  const reason =
    'it has no tables there. If it ran before, its data is lost or elsewhere; if not, start a runner there, which creates ' +
    'them unless setupTables is false.';
  return storageError('STORAGE_NOT_SET_UP', location, reason);
}
