import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** A row as an array of its columns. */
export type Row = readonly (string | number)[];

/** The SQL that needs no preparation. */
export const sql = {
  begin: 'begin',
  beginWrite: 'begin immediate',
  commit: 'commit',
  rollback: 'rollback',
  walMode: 'pragma journal_mode = wal',
  synchronous: { FULL: 'pragma synchronous = full', NORMAL: 'pragma synchronous = normal' },
  setVersion: (version: number) => `pragma user_version = ${version}`,
  readMarks: `
    select application_id as applicationId, user_version as schemaVersion,
      (select count(*) from sqlite_schema) as tables
    from pragma_application_id, pragma_user_version`,
} as const;

/** The prepared statements of one connection. */
export interface Statements {
  /** pipelineId -> notificationId */
  readonly head: StatementSync;
  /**
   * pipelineId, notificationId, originatorId, originatorVersion, type, data, timestamp; no change unless it
   * is the next version
   */
  readonly insertEvent: StatementSync;
  /** The same, followed by dependencies */
  readonly insertDependent: StatementSync;
  /** pipelineId, upstreamName, position, expected; no change if the position is not the expected one */
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

/** Prepares all statements; throws if the database lacks a table or column. */
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

/** Inserts an event that is the next version, with some more columns. */
function insertText(columns: string, values: string): string {
  return `
    insert into events
      (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp${columns})
    select ?1, ?2, ?3, ?4, ?5, ?6, ?7${values}
    where ?4 = 1 or exists (select 1 from events where originator_id = ?3 and originator_version = ?4 - 1)
    on conflict (originator_id, originator_version) do nothing`;
}

/** All rows. */
export function rows(statement: StatementSync, ...parameters: SQLInputValue[]): readonly Row[] {
  return statement.all(...parameters) as unknown as Row[]; // arrays, by setReturnArrays
}

/** The first row. */
export function row(statement: StatementSync, ...parameters: SQLInputValue[]): Row | undefined {
  return statement.get(...parameters) as unknown as Row | undefined;
}
