import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RowsGuard } from '../../sql/rows-guard.ts';
import { sqliteConstants } from '../connection/driver.ts';

/** Most statements that a connection keeps prepared for handles. */
const mostKept = 200;

/** Pragmas that change nothing beyond the transaction, although they take a value. */
const harmlessPragmas =
  'defer_foreign_keys foreign_key_check foreign_key_list function_list index_info index_list index_xinfo integrity_check quick_check table_info table_list table_xinfo';
const harmless: ReadonlySet<string> = new Set(harmlessPragmas.split(' '));

const known = new WeakMap<DatabaseSync, UserStatements>();

/**
 * Statements of users in a database that kahn uses too. Those that would end the transaction, or change the connection,
 * are refused when they are compiled.
 */
export class UserStatements {
  readonly database: DatabaseSync;
  readonly #kept = new Map<string, StatementSync>();
  /** Text and statement that were used last. */
  #lastText: string | undefined;
  #last: StatementSync | undefined;
  /** What is being compiled for a user; undefined while kahn compiles its own statements. */
  #compiling: { refused: string | undefined } | undefined;

  private constructor(database: DatabaseSync) {
    this.database = database;
    database.setAuthorizer((action, first, second) => {
      if (this.#compiling === undefined) return sqliteConstants.SQLITE_OK;
      const refused = refusedText(action, first, second);
      if (refused === undefined) return sqliteConstants.SQLITE_OK;
      this.#compiling.refused = refused;
      return sqliteConstants.SQLITE_DENY;
    });
  }

  static in(database: DatabaseSync): UserStatements {
    let found = known.get(database);
    if (found === undefined) {
      found = new UserStatements(database);
      known.set(database, found);
    }
    return found;
  }

  /** Returns the statement that is kept for a text, if any. */
  kept(text: string): StatementSync | undefined {
    // Comparing two texts takes less time than the hash of a text that was just put together.
    if (text === this.#lastText) return this.#last;
    const kept = this.#kept.get(text);
    if (kept !== undefined) {
      this.#lastText = text;
      this.#last = kept;
    }
    return kept;
  }

  /** Keeps a statement, which all handles may use. */
  keep(text: string, statement: StatementSync): void {
    const [oldest] = this.#kept.size < mostKept ? [] : this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(text, statement);
  }

  /** Does work that compiles statements of a user. */
  compile<T>(guard: RowsGuard, work: () => T): T {
    const compiling = { refused: undefined };
    this.#compiling = compiling;
    try {
      return work();
    } catch (error) {
      const { refused } = compiling;
      throw refused === undefined
        ? error
        : guard.refused(
            refused,
            'it would end the transaction, or change the connection that kahn uses. Leave it out',
          );
    } finally {
      this.#compiling = undefined;
    }
  }
}

/** Names what an action does if users may not do it. */
function refusedText(action: number, first: string | null, second: string | null): string | undefined {
  if (action === sqliteConstants.SQLITE_TRANSACTION) return first ?? '';
  if (action === sqliteConstants.SQLITE_ATTACH) return 'ATTACH';
  if (action === sqliteConstants.SQLITE_DETACH) return 'DETACH';
  const isChange =
    action === sqliteConstants.SQLITE_PRAGMA && second !== null && !harmless.has(`${first}`.toLowerCase());
  return isChange ? `PRAGMA ${first}` : undefined;
}
