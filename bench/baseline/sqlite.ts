import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Cause, StoredEvent, StoredNotification } from 'kahn';
import { correlationDigits, correlationIdOf } from '../../src/storage/sql/correlation-column.ts';
import type { Layout, TableNames } from '../../src/storage/sqlite/layout/file.ts';
import { createTables } from '../../src/storage/sqlite/schema.ts';
import { prepare, row, rows, type Statements, sql } from '../../src/storage/sqlite/statements.ts';
import type { BaselineLog, BaselineStorage } from './log.ts';

const pipelineId = 0;

/** Baseline storage in SQLite: the files, tables and statements of the library, so that rows are equal. */
export class BaselineSqlite implements BaselineStorage {
  readonly #layout: Layout;
  readonly #synchronous: 'FULL' | 'NORMAL';
  readonly #open = new Map<string, DatabaseSync>();

  constructor(layout: Layout, synchronous: 'FULL' | 'NORMAL') {
    this.#layout = layout;
    this.#synchronous = synchronous;
  }

  open(name: string): BaselineLog {
    const { path, tables } = this.#layout.fileOf(name);
    const database = this.#open.get(path) ?? this.#openFile(path);
    if (!hasTable(database, tables.events)) database.exec(createTables(tables));
    return new SqliteLog(name, database, tables);
  }

  #openFile(path: string): DatabaseSync {
    const database = new DatabaseSync(path);
    this.#open.set(path, database);
    database.exec(sql.walMode);
    database.exec(sql.synchronous[this.#synchronous]);
    return database;
  }

  [Symbol.dispose](): void {
    for (const database of this.#open.values()) database.close();
    this.#open.clear();
  }
}

function hasTable(database: DatabaseSync, name: string): boolean {
  const found = database.prepare('select 1 from sqlite_schema where name = ?').get(name.replaceAll('"', ''));
  return found !== undefined;
}

class SqliteLog implements BaselineLog {
  readonly name: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  // Prepared statements are a little faster than exec().
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #head = 0;

  constructor(name: string, database: DatabaseSync, tables: TableNames) {
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
    return rows(this.#statements.notifications, pipelineId, after, limit).map((row) => {
      const [id, originatorId, originatorVersion, type, data, timestamp] = row;
      const [, , , , , , , applicationName, , notificationId, bytes] = row;
      const event = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
      const correlationId = correlationIdOf(bytes);
      if (notificationId === null) return { ...event, correlationId };
      return { ...event, correlationId, cause: { applicationName, pipelineId, notificationId } as Cause };
    });
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
