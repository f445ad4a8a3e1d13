import type { DatabaseSync } from 'node:sqlite';
import type { WriteLock } from '../../recorder.ts';
import { sql } from '../statements.ts';
import { commit, rollBack } from './transaction.ts';

/** The transaction that a write lock keeps open, while a recorder of this thread holds the lock of the file. */
export class HeldTransaction {
  #lock: WriteLock | undefined;
  #database: DatabaseSync | undefined;

  get isHeld(): boolean {
    return this.#lock !== undefined;
  }

  isHeldBy(lock: WriteLock): boolean {
    return this.#lock === lock;
  }

  /** Whether the transaction was begun in this database, which is another one once the file has been opened again. */
  isIn(database: DatabaseSync): boolean {
    return this.#database === database;
  }

  begin(lock: WriteLock, database: DatabaseSync): void {
    database.exec(sql.beginWrite);
    this.#lock = lock;
    this.#database = database;
  }

  /** Commits the transaction in this database. */
  commit(database: DatabaseSync): void {
    commit(database);
    this.#clear();
  }

  /** Rolls the transaction back if the lock still holds it. */
  end(lock: WriteLock): void {
    if (this.#lock !== lock) return;
    const database = this.#database;
    this.#clear();
    if (database?.isOpen) rollBack(database);
  }

  #clear(): void {
    this.#lock = undefined;
    this.#database = undefined;
  }
}
