import { type RowsError, rowsEnded, rowsError } from '../errors.ts';

/** Decides whether the handle of a write lock may be used. */
export class RowsGuard {
  readonly applicationName: string;
  /** Whether the handle was read, so that rows may have been written. */
  isUsed = false;
  readonly #endings = new Set<() => void>();
  #hasEnded = false;
  #reason: RowsError | undefined;

  constructor(applicationName: string) {
    this.applicationName = applicationName;
  }

  /** Refuses the handle from now on. */
  end(reason?: RowsError): void {
    this.#hasEnded = true;
    this.#reason ??= reason;
    for (const end of this.#endings) end();
    this.#endings.clear();
  }

  /** @throws {@link RowsError} ROWS_ENDED or ROWS_TIMED_OUT if the transaction has ended. */
  assertOpen(): void {
    if (this.#hasEnded) throw this.#reason ?? rowsEnded(this.applicationName);
  }

  /** Calls the function when the handle is refused, unless the result is called before. */
  whenEnded(end: () => void): () => void {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** Throws the error for a call of `record` after the transaction has ended, if rows may have been written in it. */
  assertNoneLost(): void {
    if (this.isUsed) this.assertOpen();
  }

  /** Creates the error for a transaction that a failed statement has ended. */
  rolledBack(): RowsError {
    return rowsError(
      'ROWS_ROLLED_BACK',
      this.applicationName,
      'a statement failed and rolled the transaction back, so that nothing of the batch is recorded. Handle conflicts ' +
        "without ending the transaction, as by 'insert … on conflict do nothing' or in a savepoint",
    );
  }

  /** Creates the error for a statement that would write while rows are read. */
  refusedWrite(): RowsError {
    return this.refused(
      'a statement that writes',
      'this handle reads what is recorded. Write rows in the handlers of the policy',
    );
  }

  /** Creates the error for a statement or a call that is refused. */
  refused(what: string, reason: string): RowsError {
    return rowsError('ROWS_REFUSED', this.applicationName, `${what} is refused: ${reason}`);
  }
}
