import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Row } from '../sql/rows.ts';

/** SQL that is not prepared. */
export const sql = {
  begin: 'begin',
  beginWrite: 'begin immediate',
  commit: 'commit',
  rollback: 'rollback',
  walMode: 'pragma journal_mode = wal',
  synchronous: { FULL: 'pragma synchronous = full', NORMAL: 'pragma synchronous = normal' },
  setVersion: (version: number) => `pragma user_version = ${version}`,
  readHeader: `
    select application_id as applicationId, user_version as schemaVersion,
      (select count(*) from sqlite_schema) as tables
    from pragma_application_id, pragma_user_version`,
} as const;

/** The prepared statements of one connection, each with its parameters -> the columns it returns. */
export interface Statements {
  /** pipelineId -> notificationId */
  readonly head: StatementSync;
  /**
   * pipelineId, notificationId, originatorId, originatorVersion, type, data, timestamp; changes nothing unless the
   * version is the next one of its aggregate
   */
  readonly insertEvent: StatementSync;
  /** The same parameters, then dependencies */
  readonly insertDependent: StatementSync;
  /** pipelineId, upstreamName, position, expected; changes nothing unless the position has the expected value */
  readonly movePosition: StatementSync;
  /** originatorId, originatorVersion, schema, state */
  readonly putSnapshot: StatementSync;
  /** pipelineId, upstreamName -> position */
  readonly position: StatementSync;
  /** originatorId -> originatorVersion */
  readonly newestVersion: StatementSync;
  /** originatorId, originatorVersion -> pipelineId, notificationId */
  readonly place: StatementSync;
  /** pipelineId, after, limit -> notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies */
  readonly notifications: StatementSync;
  /** originatorId, after, upTo -> originatorVersion, type, data, timestamp */
  readonly events: StatementSync;
  /** originatorId, after, upTo -> originatorVersion, schema, state */
  readonly snapshot: StatementSync;
}

/** Prepares all statements. Fails if the database lacks a table or column. */
export function prepare(database: DatabaseSync): Statements {
  const statement = (text: string): StatementSync => {
    const prepared = database.prepare(text);
    prepared.setReturnArrays(true);
    return prepared;
  };
  return {
    head: statement('select coalesce(max(notification_id), 0) from events where pipeline_id = ?'),
    insertEvent: statement(insertText('', '')),
    insertDependent: statement(insertText(', dependencies', ', ?8')),
    movePosition: statement(`
      insert into positions (pipeline_id, upstream_name, position)
      select ?1, ?2, ?3
      where ?4 = coalesce((select position from positions where pipeline_id = ?1 and upstream_name = ?2), 0)
      on conflict (pipeline_id, upstream_name) do update set position = excluded.position`),
    putSnapshot: statement(`
      insert into snapshots (originator_id, originator_version, schema, state)
      values (?, ?, ?, ?)
      on conflict (originator_id, originator_version)
      do update set schema = excluded.schema, state = excluded.state`),
    position: statement('select position from positions where pipeline_id = ? and upstream_name = ?'),
    newestVersion: statement(
      'select coalesce(max(originator_version), 0) from events where originator_id = ?',
    ),
    place: statement(
      'select pipeline_id, notification_id from events where originator_id = ? and originator_version = ?',
    ),
    notifications: statement(`
      select notification_id, originator_id, originator_version, type, data, timestamp, dependencies
      from events where pipeline_id = ? and notification_id > ? order by notification_id limit ?`),
    events: statement(`
      select originator_version, type, data, timestamp
      from events where originator_id = ? and originator_version > ? and originator_version <= ?
      order by originator_version`),
    snapshot: statement(`
      select originator_version, schema, state
      from snapshots where originator_id = ? and originator_version > ? and originator_version <= ?
      order by originator_version desc limit 1`),
  };
}

/** SQL that inserts an event, with more columns, if its version is the next version. */
function insertText(columns: string, values: string): string {
  return `
    insert into events
      (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp${columns})
    select ?1, ?2, ?3, ?4, ?5, ?6, ?7${values}
    where ?4 = 1 or exists (select 1 from events where originator_id = ?3 and originator_version = ?4 - 1)
    on conflict (originator_id, originator_version) do nothing`;
}

/** Runs a statement and returns all rows. */
export function rows(statement: StatementSync, ...parameters: SQLInputValue[]): readonly Row[] {
  return statement.all(...parameters) as unknown as Row[]; // arrays because of setReturnArrays
}

/** Runs a statement and returns the first row. */
export function row(statement: StatementSync, ...parameters: SQLInputValue[]): Row | undefined {
  return statement.get(...parameters) as unknown as Row | undefined;
}
