import type { DatabaseSync } from 'node:sqlite';
import { sql } from './statements.ts';

/** Does the work in a transaction. If it fails, rolls back and throws the first error. */
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

/** Ends a transaction without its changes. */
export function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return; // SQLite has rolled back already, as it does when the disk is full
  try {
    database.exec(sql.rollback);
  } catch {
    // SQLite has ended the transaction anyway, and the first error says more.
  }
}
