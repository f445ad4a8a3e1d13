import { Mutex } from '../../../util/mutex.ts';
import type { RecordedRows } from '../../recorder.ts';
import { RowsGuard } from '../../sql/rows-guard.ts';
import { DatabaseSync } from '../../sqlite/connection/driver.ts';
import { rollBack } from '../../sqlite/connection/transaction.ts';
import { explained, isOfDriver, isWriteWhileReading } from '../../sqlite/errors.ts';
import { guardedDatabase } from '../../sqlite/rows/guarded-database.ts';
import { sql } from '../../sqlite/statements.ts';

/** The right to use the database of rows. */
export interface RowsTurn {
  /** Begins a transaction in the database, and returns it. */
  begin(): DatabaseSync;
  /** Rolls the transaction back unless it is committed, and gives the right back. */
  end(): void;
}

/** The rows of all applications of one memory: a database that one call at a time uses. */
export class MemoryRows {
  readonly #turns = new Mutex();
  readonly #users = new Map<string, number>();
  #opened: DatabaseSync | undefined;

  /** Names of the applications that are open and record rows. */
  get users(): readonly string[] {
    return [...this.#users.keys()];
  }

  addUser(applicationName: string): void {
    this.#users.set(applicationName, (this.#users.get(applicationName) ?? 0) + 1);
  }

  removeUser(applicationName: string): void {
    const left = (this.#users.get(applicationName) ?? 0) - 1;
    if (left > 0) this.#users.set(applicationName, left);
    else this.#users.delete(applicationName);
  }

  /** Waits until no other call uses the database. */
  async take(): Promise<RowsTurn> {
    const free = await this.#turns.acquire();
    const database = this.#database;
    return {
      begin: () => {
        database.exec(sql.beginWrite);
        return database;
      },
      end: () => {
        rollBack(database);
        free();
      },
    };
  }

  /** Returns the rows as an application reads them. */
  of(applicationName: string): RecordedRows {
    return { read: (read) => this.#turns.run(() => this.#read(applicationName, read)) };
  }

  async #read<T>(applicationName: string, read: (handle: unknown) => T | Promise<T>): Promise<T> {
    const database = this.#database;
    const guard = new RowsGuard(applicationName);
    database.exec(queryOnly.on);
    database.exec(sql.begin);
    try {
      const failure = (error: unknown) => (isWriteWhileReading(error) ? guard.refusedWrite() : error);
      return await read(guardedDatabase({ database, guard, failure }));
    } catch (error) {
      const rows = { applicationName, location: 'its rows in memory()' };
      throw isOfDriver(error) ? explained(error, rows, 'reading') : error;
    } finally {
      guard.end();
      rollBack(database);
      database.exec(queryOnly.off);
    }
  }

  get #database(): DatabaseSync {
    this.#opened ??= new DatabaseSync(':memory:');
    return this.#opened;
  }
}

const queryOnly = { on: 'pragma query_only = on', off: 'pragma query_only = off' } as const;
