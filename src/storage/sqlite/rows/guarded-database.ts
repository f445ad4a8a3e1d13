import type { DatabaseSync, PrepareOptions } from 'node:sqlite';
import type { RowsGuard } from '../../sql/rows-guard.ts';
import { GuardedStatement, type StatementUse } from './guarded-statement.ts';
import { UserStatements } from './user-statements.ts';

/** Calls of a `DatabaseSync` that would end the connection, or change it for kahn. */
const refusedCalls = [
  'open',
  'close',
  'function',
  'aggregate',
  'createTagStore',
  'createSession',
  'deserialize',
  'enableLoadExtension',
  'enableDefensive',
  'loadExtension',
  'setAuthorizer',
] as const satisfies readonly (keyof DatabaseSync)[];

/** The transaction in which a handle writes. */
export interface HandleTransaction {
  readonly database: DatabaseSync;
  readonly guard: RowsGuard;
  /** Checks that the database is still the one in which the transaction was begun. */
  assertHeld?(): void;
  /** Returns the error to throw for a failed statement. @default the error of the driver */
  failure?(error: unknown): unknown;
}

/** Returns a handle that writes in a transaction, which it cannot end. It is refused once the transaction has ended. */
export function guardedDatabase(transaction: HandleTransaction): DatabaseSync {
  transaction.guard.isUsed = true;
  return new GuardedDatabase(transaction) as unknown as DatabaseSync;
}

class GuardedDatabase {
  readonly #transaction: HandleTransaction;
  readonly #statements: UserStatements;
  /** Shared by all statements of the handle. */
  readonly #use: StatementUse;
  /** Whether a failed call has rolled the transaction back. Only failures do, as calls that end it are refused. */
  #isRolledBack = false;

  constructor(transaction: HandleTransaction) {
    this.#transaction = transaction;
    const statements = UserStatements.in(transaction.database);
    this.#statements = statements;
    const { database, guard } = transaction;
    this.#use = {
      assertUsable: this.#assertUsable,
      failed: this.#failed,
      whenEnded: (end) => guard.whenEnded(end),
      compile: (text, options) =>
        this.#run(() => statements.compile(guard, () => database.prepare(text, options))),
    };
  }

  get isOpen(): boolean {
    return this.#transaction.database.isOpen;
  }

  get isTransaction(): boolean {
    return this.#transaction.database.isTransaction;
  }

  exec(text: string): void {
    const { database, guard } = this.#transaction;
    this.#run(() => this.#statements.compile(guard, () => database.exec(text)));
  }

  prepare(text: string, options?: PrepareOptions): GuardedStatement {
    const { guard } = this.#transaction;
    guard.assertOpen();
    const kept = options === undefined ? this.#statements.kept(text) : undefined;
    if (kept !== undefined) return new GuardedStatement(this.#use, kept, text);
    const statement = this.#use.compile(text, options);
    if (options === undefined) this.#statements.keep(text, statement);
    return new GuardedStatement(this.#use, statement, options === undefined ? text : undefined);
  }

  location(name?: string): string | null {
    return this.#transaction.database.location(name);
  }

  #run<T>(work: () => T): T {
    this.#assertUsable();
    try {
      return work();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  readonly #assertUsable = (): void => {
    const { guard, assertHeld } = this.#transaction;
    guard.assertOpen();
    assertHeld?.();
    if (this.#isRolledBack) throw guard.rolledBack();
  };

  readonly #failed = (error: unknown): unknown => {
    const { database, failure } = this.#transaction;
    this.#isRolledBack ||= database.isOpen && !database.isTransaction;
    return failure?.(error) ?? error;
  };

  static {
    const refuse = (name: string) =>
      function (this: GuardedDatabase): never {
        throw this.#transaction.guard.refused(`${name}()`, 'kahn uses this connection as well');
      };
    for (const name of refusedCalls)
      Object.defineProperty(GuardedDatabase.prototype, name, { value: refuse(name) });
    Object.defineProperty(GuardedDatabase.prototype, Symbol.dispose, { value: refuse('close') });
  }
}
