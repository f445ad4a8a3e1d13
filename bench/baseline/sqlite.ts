import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Cause, StoredEvent, StoredNotification } from 'kahn';
import { correlationDigits, correlationIdOf } from '../../src/storage/sql/correlation-column.ts';
import { DirectoryLayout } from '../../src/storage/sqlite/layout/directory-layout.ts';
import { createTables } from '../../src/storage/sqlite/schema.ts';
import { prepare, row, rows, type Statements, sql } from '../../src/storage/sqlite/statements.ts';
import type { BaselineLog, BaselineStorage } from './log.ts';

const pipelineId = 0;
const { tables } = new DirectoryLayout('', 0).fileOf('');

/** Baseline storage in SQLite: a file per application with the library's tables and statements, so that rows are equal. */
export class BaselineSqlite implements BaselineStorage {
  readonly #directory: string;
  readonly #synchronous: 'FULL' | 'NORMAL';
  readonly #open: DatabaseSync[] = [];

  constructor(directory: string, synchronous: 'FULL' | 'NORMAL') {
    this.#directory = directory;
    this.#synchronous = synchronous;
  }

  open(name: string): BaselineLog {
    const database = new DatabaseSync(join(this.#directory, `${name}.sqlite`));
    this.#open.push(database);
    database.exec(sql.walMode);
    database.exec(sql.synchronous[this.#synchronous]);
    const isNew = database.prepare('select 1 from sqlite_schema').get() === undefined;
    if (isNew) database.exec(createTables(tables));
    return new SqliteLog(name, database);
  }

  [Symbol.dispose](): void {
    for (const database of this.#open.splice(0)) database.close();
  }
}

class SqliteLog implements BaselineLog {
  readonly name: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  // Prepared statements are a little faster than exec().
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #head = 0;

  constructor(name: string, database: DatabaseSync) {
    this.name = name;
    this.#database = database;
    this.#statements = prepare(database, tables);
    this.#begin = database.prepare(sql.beginWrite);
    this.#commit = database.prepare(sql.commit);
  }

  transaction(work: () => void): void {
    this.#begin.run();
    try {
      this.#head = Number(row(this.#statements.head, pipelineId)?.[0]); // another process may have written
      work();
      this.#commit.run();
    } catch (error) {
      this.#database.exec(sql.rollback);
      throw error;
    }
  }

  append(event: StoredEvent): void {
    const { originatorId, originatorVersion, type, data, timestamp, cause, correlationId } = event;
    this.#head += 1;
    const { insertEvent } = this.#statements;
    const { changes } = insertEvent.run(
      pipelineId,
      this.#head,
      originatorId,
      originatorVersion,
      type,
      data,
      timestamp,
      null,
      cause?.applicationName ?? null,
      null,
      cause?.notificationId ?? null,
      correlationId === undefined ? null : correlationDigits(correlationId),
      null,
    );
    if (changes === 0) throw new Error(`${originatorId} already has version ${originatorVersion}.`);
  }

  read(after: number, limit: number): readonly StoredNotification[] {
    return rows(this.#statements.notifications, pipelineId, after, limit, Number.MAX_SAFE_INTEGER).map(
      (row) => {
        const [id, originatorId, originatorVersion, type, data, timestamp] = row;
        const [, , , , , , , applicationName, , notificationId, bytes] = row;
        const event = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
        const correlationId = correlationIdOf(bytes);
        if (notificationId === null) return { ...event, correlationId };
        return { ...event, correlationId, cause: { applicationName, pipelineId, notificationId } as Cause };
      },
    );
  }

  versionOf(originatorId: string): number {
    return Number(row(this.#statements.newestVersion, originatorId)?.[0]);
  }

  position(upstreamName: string): number {
    return Number(row(this.#statements.position, pipelineId, upstreamName)?.[2] ?? 0);
  }

  movePosition(upstreamName: string, expected: number, position: number): void {
    const { movePosition, addPosition } = this.#statements;
    const { changes } =
      expected === 0
        ? addPosition.run(pipelineId, upstreamName, position, null)
        : movePosition.run(pipelineId, upstreamName, position, null, expected, 0);
    if (changes === 0) throw new Error(`${upstreamName} is not at ${expected}.`);
  }
}
