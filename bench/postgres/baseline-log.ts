import type { Cause, StoredEvent, StoredNotification } from 'kahn';
import type pg from 'pg';
import { createTables } from '../../src/storage/postgres/schema.ts';
import { tablesOf } from '../../src/storage/postgres/tables.ts';
import { correlationDigits, correlationIdOf } from '../../src/storage/sql/correlation-column.ts';
import { type BaselineStatements, baselineStatements, type Prepared } from './baseline-statements.ts';

/** Move of a position in the log of an upstream. */
export interface Move {
  readonly upstreamName: string;
  readonly expected: number;
  readonly position: number;
}

/** The log of one application of the baseline in the library's tables, so that rows are equal. */
export class PostgresLog {
  readonly name: string;
  readonly #client: pg.Client;
  readonly #statements: BaselineStatements;

  private constructor(name: string, client: pg.Client, statements: BaselineStatements) {
    this.name = name;
    this.#client = client;
    this.#statements = statements;
  }

  /** Opens the log, and creates the tables if they are missing. */
  static async open(client: pg.Client, schema: string, name: string): Promise<PostgresLog> {
    const tables = tablesOf(schema, name, '');
    const { rows } = await client.query('select 1 where to_regclass($1) is not null', [tables.events]);
    if (rows.length === 0) {
      await client.query(`create schema if not exists ${schema}`);
      for (const text of createTables(tables)) await client.query(text);
      await client.query(`insert into ${tables.logs} (pipeline_id, head) values (0, 0)`);
    }
    return new PostgresLog(name, client, baselineStatements(name, tables));
  }

  /** Records the events in one transaction. */
  async append(events: readonly StoredEvent[]): Promise<void> {
    await this.#run(this.#statements.append, columnsOf(events));
  }

  /** Records the events, if any, and moves the position. Throws if the position is not the expected one. */
  async process(events: readonly StoredEvent[], move: Move): Promise<void> {
    const { process, processOne, move: moveOnly } = this.#statements;
    const [statement, values] =
      events.length === 0
        ? [moveOnly, []]
        : events.length === 1
          ? [processOne, processColumnsOf(events).flat()]
          : [process, processColumnsOf(events)];
    const moved = [move.upstreamName, move.expected, move.position];
    const { rowCount } = await this.#run(statement, [...values, ...moved]);
    if (rowCount !== Math.max(events.length, 1)) {
      throw new Error(`${move.upstreamName} is not at ${move.expected}.`);
    }
  }

  /** Up to `limit` notifications with ids above `after`. */
  async read(after: number, limit: number): Promise<readonly StoredNotification[]> {
    const { rows } = await this.#run(this.#statements.read, [after, limit]);
    return rows.map((row) => {
      const [id, originatorId, originatorVersion, type, data, timestamp, applicationName, causeId, hex] = row;
      const event = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
      const correlationId = correlationIdOf(hex);
      if (causeId === null) return { ...event, correlationId };
      const cause = { applicationName, pipelineId: 0, notificationId: causeId } as Cause;
      return { ...event, correlationId, cause };
    });
  }

  /** Newest versions of the aggregates that are recorded. */
  async versions(originatorIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.#run(this.#statements.versions, [originatorIds]);
    return new Map(rows as [string, number][]);
  }

  async position(upstreamName: string): Promise<number> {
    const { rows } = await this.#run(this.#statements.position, [upstreamName]);
    return Number(rows[0]?.[0]);
  }

  #run(statement: Prepared, values: readonly unknown[]): Promise<pg.QueryArrayResult<unknown[]>> {
    return this.#client.query({ ...statement, values: [...values], rowMode: 'array' });
  }
}

function columnsOf(events: readonly StoredEvent[]): readonly unknown[][] {
  return [
    events.map(({ originatorId }) => originatorId),
    events.map(({ originatorVersion }) => originatorVersion),
    events.map(({ type }) => type),
    events.map(({ data }) => data),
    events.map(({ timestamp }) => timestamp),
    events.map(({ correlationId }) => correlationId && `\\x${correlationDigits(correlationId)}`),
  ];
}

function processColumnsOf(events: readonly StoredEvent[]): readonly unknown[] {
  const causeIds = events.map(({ cause }) => cause?.notificationId);
  return [...columnsOf(events), causeIds, events[0]?.cause?.applicationName];
}
