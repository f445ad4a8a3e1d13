import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Row } from '../sql/rows.ts';
import type { TableNames } from './layout/file.ts';

/** SQL that is not prepared. */
export const sql = {
  begin: 'begin',
  beginWrite: 'begin immediate',
  commit: 'commit',
  rollback: 'rollback',
  walMode: 'pragma journal_mode = wal',
  /** -> busy, 1 if the log could not be emptied */
  emptyLog: 'pragma wal_checkpoint(truncate)',
  secureDelete: { on: 'pragma secure_delete = on', off: 'pragma secure_delete = off' },
  busyTimeout: (ms: number): string => `pragma busy_timeout = ${ms}`,
  synchronous: { FULL: 'pragma synchronous = full', NORMAL: 'pragma synchronous = normal' },
  /** -> application_name */
  readNames: 'select application_name from applications',
  readHeader: `
    select application_id as applicationId, user_version as schemaVersion,
      (select count(*) from sqlite_schema) as tables
    from pragma_application_id, pragma_user_version`,
} as const;

/** The prepared statements of one connection, each with its parameters -> the columns it returns. */
export interface Statements {
  /** pipelineId -> notificationId */
  readonly head: StatementSync;
  /** pipelineId -> notificationId of the last event without a place in the log, 0 if there is none */
  readonly lastUnlisted: StatementSync;
  /**
   * pipelineId, notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies, causeName,
   * causePipelineId, causeId, correlationId in hexadecimal digits, metadata; changes nothing unless the version is the
   * next one of its aggregate
   */
  readonly insertEvent: StatementSync;
  /**
   * pipelineId, upstreamName, position, mark, expected, typesVersion; changes nothing unless position and version have the
   * expected values
   */
  readonly movePosition: StatementSync;
  /** pipelineId, upstreamName, position, mark; changes nothing if there is a position */
  readonly addPosition: StatementSync;
  /** pipelineId, upstreamName, handledTypes, typesVersion; changes nothing unless the version has the expected value */
  readonly setTypes: StatementSync;
  /** timestamp, kind, by, reason, details */
  readonly addOperation: StatementSync;
  /** key, timestamp, fingerprint, outcome; changes nothing if the key is recorded */
  readonly addCommand: StatementSync;
  /** before, limit */
  readonly deleteCommands: StatementSync;
  /**
   * pipelineId, upstreamName, notificationId, originatorId, isDue (1 or 0), attempts, since, reason; changes nothing if it is
   * parked
   */
  readonly park: StatementSync;
  /** The same and the expected revision; changes nothing unless the revision is as expected */
  readonly changeParked: StatementSync;
  /** pipelineId, upstreamName, notificationId, expected revision; changes nothing unless the revision is as expected */
  readonly deleteParked: StatementSync;
  /** originatorId, originatorVersion, schema, state */
  readonly putSnapshot: StatementSync;
  /** pipelineId, upstreamName -> the columns of `toPosition` */
  readonly position: StatementSync;
  /** originatorId -> originatorVersion */
  readonly newestVersion: StatementSync;
  /** originatorId, originatorVersion -> pipelineId, notificationId, 0 for an event without a place in the log */
  readonly place: StatementSync;
  /** -> pipelineId, notificationId, negative for an empty log */
  readonly logs: StatementSync;
  /** -> the columns of `toPosition` */
  readonly positions: StatementSync;
  /** after, limit -> the columns of `toOperation` */
  readonly operations: StatementSync;
  /** key -> the columns of `toCommand` */
  readonly command: StatementSync;
  /** pipelineId, after, limit, upstreamName or null -> the columns of `toParked` */
  readonly parked: StatementSync;
  /** The same and isDue (1 or 0) */
  readonly parkedByDue: StatementSync;
  /** -> the columns of `toParkedCount` */
  readonly countParked: StatementSync;
  /** pipelineId, after, limit -> the columns of `toNotification` */
  readonly notifications: StatementSync;
  /** pipelineId, after, limit, maxSize -> the columns of `toNotification` */
  readonly notificationsUpTo: StatementSync;
  /** pipelineId, after, limit -> notificationId, causeName, causePipelineId, causeId */
  readonly causes: StatementSync;
  /** pipelineId, after, limit -> type, number of events, last notificationId */
  readonly countTypes: StatementSync;
  /** originatorId, after, upTo -> originatorVersion, type, data, timestamp */
  readonly events: StatementSync;
  /** originatorId, after, upTo -> originatorVersion, schema, state */
  readonly snapshot: StatementSync;
}

/**
 * Returns SQL that inserts an event. A missing previous version makes the version null, which the column does not allow, so
 * that `or ignore` skips the row like that of a recorded version. By measurement, `insert … select … where` takes 15 % longer.
 */
function insertText({ events }: TableNames): string {
  return `
  insert or ignore into ${events}
    (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp,
      dependencies, cause_name, cause_pipeline_id, cause_id, correlation_id, metadata)
  values (
    ?1, ?2, ?3,
    case
      when ?4 = 1 or exists (select 1 from ${events} where originator_id = ?3 and originator_version = ?4 - 1) then ?4
    end,
    ?5, ?6, ?7, ?8, ?9, ?10, ?11, unhex(?12), ?13
  )`;
}

/** Returns SQL that inserts an event like `insertEvent`, but fails if a constraint of the table refuses the row. */
export function insertStrictly(tables: TableNames): string {
  return insertText(tables).replace('insert or ignore', 'insert');
}

/** The cause of an event. Of damaged integers beyond 2^53, which the driver rejects, doubles tell which row has them. */
const causeColumns = 'cause_name, cast(cause_pipeline_id as real), cast(cause_id as real)';

/** Prepares all statements. Fails if the database lacks a table or column. */
export function prepare(database: DatabaseSync, tables: TableNames): Statements {
  const texts = {
    ...textsOfEvents(tables),
    ...textsOfPositions(tables),
    ...textsOfParked(tables),
    ...textsOfOthers(tables),
  };
  const prepared = Object.entries(texts).map(([name, text]) => {
    const statement = database.prepare(text);
    statement.setReturnArrays(true);
    return [name, statement];
  });
  return Object.fromEntries(prepared) as Record<keyof typeof texts, StatementSync>;
}

function textsOfEvents({ events, ...others }: TableNames) {
  const notifications = `
    select notification_id, originator_id, originator_version, type, data, timestamp,
      dependencies, ${causeColumns},
      case when correlation_id is not null then lower(hex(correlation_id)) end, metadata
    from ${events} where pipeline_id = ?1 and notification_id > ?2 order by notification_id`;
  return {
    head: `select max(coalesce(max(notification_id), 0), 0) from ${events} where pipeline_id = ?`,
    lastUnlisted: `select min(coalesce(min(notification_id), 0), 0) from ${events} where pipeline_id = ?`,
    insertEvent: insertText({ events, ...others }),
    newestVersion: `select coalesce(max(originator_version), 0) from ${events} where originator_id = ?`,
    place: `
      select pipeline_id, max(notification_id, 0) from ${events}
      where originator_id = ? and originator_version = ?`,
    logs: logsText(events),
    notifications: `${notifications} limit ?3`,
    notificationsUpTo: `${notifications} limit (${limitText(events)})`,
    causes: `
      select notification_id, ${causeColumns}
      from ${events} where pipeline_id = ? and notification_id > ? order by notification_id limit ?`,
    countTypes: `
      select type, count(*), max(notification_id) from (
        select type, notification_id from ${events}
        where pipeline_id = ? and notification_id > ? order by notification_id limit ?
      ) group by type`,
    events: `
      select originator_version, type, data, timestamp
      from ${events} where originator_id = ? and originator_version > ? and originator_version <= ?
      order by originator_version`,
  };
}

/**
 * SQL that reads the greatest notification id of each pipeline, which is negative where the log is empty. It steps from one
 * pipeline to the next in the primary key.
 */
function logsText(events: string): string {
  return `
  with recursive logs (id) as (
    select min(pipeline_id) from ${events}
    union all
    select (select min(pipeline_id) from ${events} where pipeline_id > logs.id) from logs where logs.id is not null
  )
  select logs.id, (select max(notification_id) from ${events} where pipeline_id = logs.id)
  from logs where logs.id is not null order by logs.id`;
}

/**
 * SQL of the number of notifications up to the one by which their size reaches `maxSize`, ?4, and ?3 at most. Sizes are
 * read without the texts, and summed up one by one only if the whole is too large.
 */
function limitText(events: string): string {
  const sizes = `
  select notification_id, octet_length(data) + coalesce(octet_length(metadata), 0) as size
  from ${events} where pipeline_id = ?1 and notification_id > ?2 order by notification_id limit ?3`;
  return `
  select case when total(size) < ?4 then ?3 else (
    select count(*) from (select sum(size) over (order by notification_id) - size as before from (${sizes}))
    where before < ?4
  ) end from (${sizes})`;
}

function textsOfPositions({ positions }: TableNames) {
  const columns = 'pipeline_id, upstream_name, position, mark, handled_types, types_version';
  /** Condition that a column of the position has the expected value; 0 if there is no position. */
  const expected = (column: string, value: string) =>
    `${value} = coalesce((select ${column} from ${positions} where pipeline_id = ?1 and upstream_name = ?2), 0)`;
  return {
    // By measurement, an insert that updates on conflict takes 1.8 µs longer.
    movePosition: `
      update ${positions} set position = ?3, mark = ?4
      where pipeline_id = ?1 and upstream_name = ?2 and position = ?5 and types_version = ?6`,
    addPosition: `
      insert into ${positions} (pipeline_id, upstream_name, position, mark) values (?, ?, ?, ?)
      on conflict (pipeline_id, upstream_name) do nothing`,
    setTypes: `
      insert into ${positions} (pipeline_id, upstream_name, position, handled_types, types_version)
      select ?1, ?2, 0, ?3, ?4 + 1 where ${expected('types_version', '?4')}
      on conflict (pipeline_id, upstream_name)
      do update set handled_types = excluded.handled_types, types_version = excluded.types_version`,
    position: `select ${columns} from ${positions} where pipeline_id = ? and upstream_name = ?`,
    positions: `select ${columns} from ${positions} order by pipeline_id, upstream_name`,
  };
}

function textsOfParked({ parked }: TableNames) {
  const own = 'pipeline_id = ?1 and upstream_name = ?2 and notification_id = ?3';
  const page = (condition: string) => `
    select id, revision, upstream_name, notification_id, originator_id, is_due, attempts, since, reason
    from ${parked} where pipeline_id = ?1 and id > ?2 and (?4 is null or upstream_name = ?4)${condition}
    order by id limit ?3`;
  return {
    park: `
      insert into ${parked}
        (revision, pipeline_id, upstream_name, notification_id, originator_id, is_due, attempts, since, reason)
      values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      on conflict (pipeline_id, upstream_name, notification_id) do nothing`,
    changeParked: `
      update ${parked} set revision = revision + 1, originator_id = ?4, is_due = ?5, attempts = ?6, since = ?7, reason = ?8
      where ${own} and revision = ?9`,
    deleteParked: `delete from ${parked} where ${own} and revision = ?4`,
    parked: page(''),
    parkedByDue: page(' and is_due = ?5'),
    countParked: `
      select pipeline_id, upstream_name, count(*) from ${parked}
      group by pipeline_id, upstream_name order by pipeline_id, upstream_name`,
  };
}

function textsOfOthers({ snapshots, operations, commands }: TableNames) {
  return {
    putSnapshot: `
      insert into ${snapshots} (originator_id, originator_version, schema, state)
      values (?, ?, ?, ?)
      on conflict (originator_id, originator_version)
      do update set schema = excluded.schema, state = excluded.state`,
    snapshot: `
      select originator_version, schema, state
      from ${snapshots} where originator_id = ? and originator_version > ? and originator_version <= ?
      order by originator_version desc limit 1`,
    addOperation: `insert into ${operations} (timestamp, kind, done_by, reason, details) values (?, ?, ?, ?, ?)`,
    operations: `
      select id, timestamp, kind, done_by, reason, details from ${operations} where id > ? order by id limit ?`,
    addCommand: `
      insert into ${commands} (key, timestamp, fingerprint, outcome) values (?, ?, ?, ?)
      on conflict (key) do nothing`,
    deleteCommands: `
      delete from ${commands} where rowid in (
        select rowid from ${commands} where timestamp < ? order by timestamp limit ?
      )`,
    command: `select key, timestamp, fingerprint, outcome from ${commands} where key = ?`,
  };
}

/** Runs a statement and returns all rows. */
export function rows(statement: StatementSync, ...parameters: SQLInputValue[]): readonly Row[] {
  return statement.all(...parameters) as unknown as Row[]; // arrays because of setReturnArrays
}

/** Runs a statement and returns the first row. */
export function row(statement: StatementSync, ...parameters: SQLInputValue[]): Row | undefined {
  return statement.get(...parameters) as unknown as Row | undefined;
}

/**
 * Runs a statement of notifications row by row, up to the row by which the size of their texts reaches `maxSize`. A single
 * row takes as long as with `rows`, each further row 0.3 µs longer.
 */
export function rowsUpTo(maxSize: number, statement: StatementSync, ...parameters: SQLInputValue[]): Row[] {
  const found: Row[] = [];
  let size = 0;
  for (const notification of statement.iterate(...parameters) as Iterable<unknown> as Iterable<Row>) {
    found.push(notification);
    size += textLength(notification[4]) + textLength(notification[11]); // data and metadata
    if (size >= maxSize) break;
  }
  return found;
}

function textLength(value: Row[number] | undefined): number {
  return typeof value === 'string' ? value.length : 0;
}
