import { InvalidStorageError } from '../../errors.ts';
import type { RowsKind } from '../../recorder.ts';
import type { StorageLocation } from '../../storage-location.ts';

/** Result of a statement, as `pg` returns it. */
export interface PostgresResult<Row = Record<string, unknown>> {
  readonly rows: Row[];
  /** Number of rows that were written or found. */
  readonly rowCount: number | null;
}

/** A statement with its values, as `pg` takes it. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Name under which the statement is prepared once per connection. @default none */
  readonly name?: string;
  /** Whether rows are arrays. @default objects */
  readonly rowMode?: 'array';
}

/** Handle with which rows are written and read: the part of a `pg.PoolClient` that does not end the transaction. */
export interface PostgresRows {
  query<Row = Record<string, unknown>>(
    query: string | PostgresQuery,
    values?: readonly unknown[],
  ): Promise<PostgresResult<Row>>;
  /** Does nothing: kahn releases the connection. Query builders call it. */
  release(): void;
}

/** Rows that a policy records with a client of `pg`: the value of `static readonly rows` on `postgres()`. */
export const postgresRows: RowsKind<PostgresRows> = { driver: 'postgres' };

/**
 * Checks that rows of a kind can be recorded with a client of `pg`.
 *
 * @throws {@link InvalidStorageError} if they cannot.
 */
export function assertPostgresRows(
  kind: RowsKind,
  { applicationName, location }: StorageLocation,
  canHoldTransaction: boolean,
): void {
  const because = (reason: string) =>
    new InvalidStorageError(
      `Application '${applicationName}' cannot record its rows in ${location}: ${reason}`,
    );
  if (kind.driver !== postgresRows.driver) {
    throw because(
      `its class states 'static readonly rows' of ${kind.driver}, but the rows of this storage are those of PostgreSQL. ` +
        'Use postgresRows of kahn/postgres, or another storage.',
    );
  }
  if (!canHoldTransaction) {
    throw because(
      'its pool has a single connection, which reading needs while rows are written. Allow 2 or more connections.',
    );
  }
}
