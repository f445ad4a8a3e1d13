import type { DatabaseSync as SqliteDatabase } from 'node:sqlite';
import { InvalidStorageError } from '../../errors.ts';
import type { RowsKind } from '../../recorder.ts';
import type { StorageLocation } from '../../storage-location.ts';
import { DatabaseSync } from '../connection/driver.ts';

/** Rows that a policy records with a `DatabaseSync`: the value of `static readonly rows` on `sqlite()` and `memory()`. */
export const sqliteRows: RowsKind<SqliteDatabase> = { driver: 'sqlite' };

/**
 * Checks that rows of a kind can be recorded with a `DatabaseSync`.
 *
 * @throws {@link InvalidStorageError} if they cannot.
 */
export function assertSqliteRows(kind: RowsKind, { applicationName, location }: StorageLocation): void {
  const because = (reason: string) =>
    new InvalidStorageError(
      `Application '${applicationName}' cannot record its rows in ${location}: ${reason}`,
    );
  if (kind.driver !== sqliteRows.driver) {
    throw because(
      `its class states 'static readonly rows' of ${kind.driver}, but the rows of this storage are those of SQLite. Use sqliteRows of kahn/sqlite, or another storage.`,
    );
  }
  if (typeof DatabaseSync.prototype.setAuthorizer !== 'function') {
    throw because(`rows need Node 24.10 or later, this is Node ${process.versions.node}.`);
  }
}
