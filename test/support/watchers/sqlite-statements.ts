import { DatabaseSync, StatementSync } from 'node:sqlite';

/** A statement with which a connection of this thread writes. */
export interface WritingStatement {
  /** First words of the statement, such as `commit` or `insert or ignore into events`. */
  readonly text: string;
  /** The connection; undefined for a prepared statement. */
  readonly database: DatabaseSync | undefined;
}

/** Calls `before` and `after` around each statement that is executed without reading rows, until this thread ends. */
export function watchStatements(
  before: (statement: WritingStatement) => void,
  after: (statement: WritingStatement) => void = () => {},
): void {
  const { exec } = DatabaseSync.prototype;
  const { run } = StatementSync.prototype;
  DatabaseSync.prototype.exec = function (text) {
    const statement = { text: beginningOf(text), database: this };
    before(statement);
    exec.call(this, text);
    after(statement);
  };
  StatementSync.prototype.run = function (...values: unknown[]) {
    const statement = { text: beginningOf(this.sourceSQL), database: undefined };
    before(statement);
    const result = run.apply(this, values as Parameters<typeof run>);
    after(statement);
    return result;
  };
}

function beginningOf(text: string): string {
  return text.trim().split(/\s*[(\n]/, 1)[0] ?? '';
}
