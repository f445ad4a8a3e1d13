import type { DatabaseSync } from 'node:sqlite';
import type { KahnError } from '../../../util/errors.ts';
import type { StorageError } from '../../errors.ts';
import type { Activity } from '../../sql/driver-error.ts';
import { needsSetUp } from '../../sql/table-version.ts';
import { type StorageLocation, storageError } from '../../storage-location.ts';
import type { DatabaseFile } from '../layout/file.ts';
import { versionsIn } from '../layout/file-header.ts';
import { sql } from '../statements.ts';
import type { BusyRetry } from './busy-retry.ts';
import type { HeldTransaction } from './held-transaction.ts';
import { Refusal } from './refusal.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { inTransaction } from './transaction.ts';

/** What the sessions of one file share. */
export interface OpenFile {
  readonly connection: SqliteConnection;
  readonly busyRetry: BusyRetry;
  readonly held: HeldTransaction;
}

/** What a session is for: the tables of a file, and the statements by which they are used. */
export interface SessionPurpose<F extends DatabaseFile, S> {
  readonly file: F;
  prepare(database: DatabaseSync): S;
  /** Creates the error for a call after the session was closed. */
  closed(location: StorageLocation): StorageError;
}

/** A database and the statements prepared in it. */
interface Prepared<S> {
  readonly database: DatabaseSync;
  readonly statements: S;
}

/** The use of an open file by the recorder of one application, or by the keys of subjects. */
export class Session<F extends DatabaseFile, S> {
  readonly file: F;
  readonly held: HeldTransaction;
  readonly #purpose: SessionPurpose<F, S>;
  readonly #busyRetry: BusyRetry;
  readonly #connection: SqliteConnection;
  readonly #end: () => void;
  #prepared: Prepared<S> | undefined;
  #isClosed = false;

  /** @param end Called once, when the session is closed. */
  constructor(purpose: SessionPurpose<F, S>, { connection, busyRetry, held }: OpenFile, end: () => void) {
    this.file = purpose.file;
    this.held = held;
    this.#purpose = purpose;
    this.#busyRetry = busyRetry;
    this.#connection = connection;
    this.#end = end;
  }

  /**
   * Does work with the database, which it opens again if necessary.
   *
   * @throws {@link StorageError} in place of an error of SQLite.
   */
  use<T>(activity: Activity, work: (statements: S) => T): T {
    this.assertOpen();
    try {
      const database = this.#connection.databaseFor(this.file);
      if (this.#prepared?.database !== database) this.#prepared = this.#prepare(database);
      return work(this.#prepared.statements);
    } catch (error) {
      throw this.failure(error, activity);
    }
  }

  /** Returns the StorageError for an error of SQLite. */
  failure(error: unknown, activity: Activity): KahnError {
    return this.#connection.failure(error, this.file, activity);
  }

  /** Reads; waits for other users of the file if necessary. */
  read<T>(work: (statements: S) => T): T | Promise<T> {
    return this.#busyRetry.run(() => this.use('reading', work));
  }

  /** Reads everything as of one moment. */
  readTogether<T>(work: (statements: S) => T): T | Promise<T> {
    return this.read((statements) =>
      this.held.isIn(this.database)
        ? work(statements)
        : inTransaction(this.database, sql.begin, () => work(statements)),
    );
  }

  /** Does the work in a transaction, in the order of the calls. Throws the conflict if the work throws a Refusal. */
  change<T>(work: (statements: S) => T): T | Promise<T> {
    return this.whenFree(() => this.transact(work));
  }

  /** As {@link change}, while the database is in use and there is no other writer. */
  transact<T>(work: (statements: S) => T): T {
    try {
      return inTransaction(this.database, sql.beginWrite, () => work(this.statements));
    } catch (error) {
      throw error instanceof Refusal ? error.explain() : error;
    }
  }

  /** Does the work when there is no other writer, in the order of the calls. */
  whenFree<T>(work: (statements: S) => T): T | Promise<T> {
    return this.#busyRetry.runInOrder(() => {
      this.assertOpen();
      if (this.held.isHeld) throw lockHeld(this.file);
      return this.use('recording', work);
    });
  }

  assertOpen(): void {
    if (this.#isClosed) throw this.#purpose.closed(this.file);
  }

  /** Longest wait for other users of the file, in ms. */
  get busyTimeoutMs(): number {
    return this.#connection.busyTimeoutMs;
  }

  /** The open database, while it is in use. */
  get database(): DatabaseSync {
    return (this.#prepared as Prepared<S>).database;
  }

  /** The prepared statements, while the database is in use. */
  get statements(): S {
    return (this.#prepared as Prepared<S>).statements;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#prepared = undefined;
    this.#end();
  }

  #prepare(database: DatabaseSync): Prepared<S> {
    needsSetUp(versionsIn(database, this.file), false, this.file);
    return { database, statements: this.#purpose.prepare(database) };
  }
}

function lockHeld(file: DatabaseFile): StorageError {
  return storageError(
    'STORAGE_BUSY',
    file,
    'a policy of this thread held its write lock for longer than busyTimeoutMs. Try again, or raise busyTimeoutMs.',
  );
}
