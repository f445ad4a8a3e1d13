import type {
  PrepareOptions,
  SQLInputValue,
  StatementColumnMetadata,
  StatementResultingChanges,
  StatementSync,
} from 'node:sqlite';

type Values = (SQLInputValue | Record<string, SQLInputValue>)[];
type Row = ReturnType<StatementSync['all']>[number];

/** How the statements of a handle are used. */
export interface StatementUse {
  /** Throws an error if the handle cannot be used. */
  assertUsable(): void;
  /** Returns the error to throw for a failed call of the database. */
  failed(error: unknown): unknown;
  /** Calls the function when the transaction ends, unless the result is called before. */
  whenEnded(end: () => void): () => void;
  /** Compiles a statement. */
  compile(text: string, options?: PrepareOptions): StatementSync;
}

/** A prepared statement of a handle, which cannot be used after the transaction of the handle. */
export class GuardedStatement {
  readonly #use: StatementUse;
  #statement: StatementSync;
  /** Text of a statement that other handles use too. */
  #sharedText: string | undefined;

  /** @param sharedText Text of the statement if others use it too: settings make this one compile a statement of its own. */
  constructor(use: StatementUse, statement: StatementSync, sharedText: string | undefined) {
    this.#use = use;
    this.#statement = statement;
    this.#sharedText = sharedText;
  }

  run(...values: Values): StatementResultingChanges {
    this.#use.assertUsable();
    try {
      return this.#statement.run(...(values as SQLInputValue[]));
    } catch (error) {
      throw this.#use.failed(error);
    }
  }

  get(...values: Values): Row | undefined {
    this.#use.assertUsable();
    try {
      return this.#statement.get(...(values as SQLInputValue[]));
    } catch (error) {
      throw this.#use.failed(error);
    }
  }

  all(...values: Values): Row[] {
    this.#use.assertUsable();
    try {
      return this.#statement.all(...(values as SQLInputValue[]));
    } catch (error) {
      throw this.#use.failed(error);
    }
  }

  *iterate(...values: Values): Generator<Row, undefined, undefined> {
    const rows = this.#do(() => this.#own().iterate(...(values as SQLInputValue[])));
    // A reading that goes on behind the transaction would keep the connection at a state of the past.
    const close = () => void rows.return?.();
    const forget = this.#use.whenEnded(close);
    try {
      for (;;) {
        const { done, value } = this.#do(() => rows.next());
        if (done) return undefined;
        yield value as Row;
      }
    } finally {
      forget();
      close();
    }
  }

  columns(): StatementColumnMetadata[] {
    return this.#do(() => this.#statement.columns());
  }

  get sourceSQL(): string {
    return this.#statement.sourceSQL;
  }

  get expandedSQL(): string {
    return this.#statement.expandedSQL;
  }

  setAllowBareNamedParameters(enabled: boolean): void {
    this.#own().setAllowBareNamedParameters(enabled);
  }

  setAllowUnknownNamedParameters(enabled: boolean): void {
    this.#own().setAllowUnknownNamedParameters(enabled);
  }

  setReadBigInts(enabled: boolean): void {
    this.#own().setReadBigInts(enabled);
  }

  setReturnArrays(enabled: boolean): void {
    this.#own().setReturnArrays(enabled);
  }

  #do<T>(work: () => T): T {
    this.#use.assertUsable();
    try {
      return work();
    } catch (error) {
      throw this.#use.failed(error);
    }
  }

  /** Returns a statement that no other handle uses. */
  #own(): StatementSync {
    if (this.#sharedText !== undefined) this.#statement = this.#use.compile(this.#sharedText);
    this.#sharedText = undefined;
    return this.#statement;
  }
}
