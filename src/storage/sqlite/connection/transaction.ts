import type { DatabaseSync } from 'node:sqlite';
import { ruleOf, UncertainCommit } from '../errors.ts';
import { sql } from '../statements.ts';

/**
 * Does the work in a transaction. If it fails, rolls back and throws the first error: an UncertainCommit if the commit
 * failed in a way that may have recorded it.
 */
export function inTransaction<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    commit(database);
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Commits; throws an UncertainCommit if the commit failed in a way that may have recorded it. */
export function commit(database: DatabaseSync): void {
  try {
    database.exec(sql.commit);
  } catch (error) {
    throw ruleOf(error).commit === 'unknown' ? new UncertainCommit(error) : error;
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
