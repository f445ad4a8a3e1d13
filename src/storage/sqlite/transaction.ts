import type { DatabaseSync } from 'node:sqlite';
import { sql } from './statements.ts';

/** Does the work in a transaction; when anything fails, nothing of it stays and the first error is thrown. */
export function inTransaction<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec(sql.commit);
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return; // some errors, such as a full disk, make SQLite roll back by itself
  try {
    database.exec(sql.rollback);
  } catch {
    // SQLite then ends the transaction all the same, and the error that led here says more.
  }
}
