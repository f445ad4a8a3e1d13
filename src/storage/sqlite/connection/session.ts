import type { DatabaseSync } from 'node:sqlite';
import type { Activity } from '../../sql/driver-error.ts';
import { needsSetUp } from '../../sql/table-version.ts';
import { recorderClosed } from '../../storage-location.ts';
import type { DatabaseFile } from '../layout/file.ts';
import { versionsIn } from '../layout/file-header.ts';
import { prepare, type Statements } from '../statements.ts';
import type { BusyRetry } from './busy-retry.ts';
import type { HeldTransaction } from './held-transaction.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/** What the recorders of one file share. */
export interface OpenFile {
  readonly connection: SqliteConnection;
  readonly busyRetry: BusyRetry;
  readonly held: HeldTransaction;
}

/** A database and the statements of one application. */
interface Prepared {
  readonly database: DatabaseSync;
  readonly statements: Statements;
}

/** The use of an open file by the recorder of one application. */
export class Session {
  readonly file: DatabaseFile;
  readonly busyRetry: BusyRetry;
  readonly held: HeldTransaction;
  readonly #connection: SqliteConnection;
  readonly #end: () => void;
  #prepared: Prepared | undefined;
  #isClosed = false;

  /** @param end Called once, when the session is closed. */
  constructor(file: DatabaseFile, { connection, busyRetry, held }: OpenFile, end: () => void) {
    this.file = file;
    this.busyRetry = busyRetry;
    this.held = held;
    this.#connection = connection;
    this.#end = end;
  }

  /**
   * Does work with the database, which it opens again if necessary.
   *
   * @throws {@link StorageError} in place of an error of SQLite.
   */
  use<T>(activity: Activity, work: (statements: Statements) => T): T {
    this.assertOpen();
    try {
      const database = this.#connection.databaseFor(this.file);
      if (this.#prepared?.database !== database) this.#prepared = this.#prepare(database);
      return work(this.#prepared.statements);
    } catch (error) {
      throw this.#connection.failure(error, this.file, activity);
    }
  }

  assertOpen(): void {
    if (this.#isClosed) throw recorderClosed(this.file);
  }

  /** The open database, while it is in use. */
  get database(): DatabaseSync {
    return (this.#prepared as Prepared).database;
  }

  /** The statements of the application, while the database is in use. */
  get statements(): Statements {
    return (this.#prepared as Prepared).statements;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#prepared = undefined;
    this.#end();
  }

  #prepare(database: DatabaseSync): Prepared {
    needsSetUp(versionsIn(database, this.file), false, this.file);
    return { database, statements: prepare(database, this.file.tables) };
  }
}
