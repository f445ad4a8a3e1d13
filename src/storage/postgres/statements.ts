import { hash } from '../../util/environment/hash.ts';
import { appendTexts, putSnapshotsText, type Shape } from './appending/append-statements.ts';
import type { ApplicationTables } from './tables.ts';

/** A statement. One with a name runs often, and is prepared under that name where possible. */
export interface Statement {
  readonly text: string;
  readonly name?: string;
}

/** Statements for all applications, each with its parameters -> the columns it returns. */
export const sql = {
  /** Makes each statement see everything committed before it, whatever the settings of the role or the database. */
  begin: { text: 'begin isolation level read committed' },
  /** Undoes the settings of planning that suit the statements of kahn, see `settings`. */
  beginReading: {
    text: "begin isolation level repeatable read read only; set local enable_seqscan = on; set local plan_cache_mode = 'auto'",
  },
  commit: { text: 'commit' },
  rollback: { text: 'rollback' },
  /**
   * statementTimeoutMs -> whether the server is a standby. Plans are made once and kept, since planning takes longer
   * than execution. Plans must therefore not depend on the small size of the tables at that time.
   */
  settings: {
    text: `select set_config('statement_timeout', $1, false), set_config('enable_seqscan', 'off', false),
      set_config('plan_cache_mode', 'force_generic_plan', false),
      set_config('default_transaction_isolation', 'read committed', false),
      pg_is_in_recovery() as is_standby`,
  },
  /** -> whether the server is a standby. */
  isStandby: { text: 'select pg_is_in_recovery()::integer' },
  /** Ends the transaction if the host that has begun it vanishes. */
  idleTimeout: { text: "set local idle_in_transaction_session_timeout = '5s'" },
  listen: (channel: string): Statement => ({ text: `listen "${channel}"` }),
  /** key. Holds the lock until the transaction ends. */
  lock: { text: 'select pg_advisory_xact_lock($1)::text' },
  /**
   * schema, applications table -> encoding, whether the schema exists, whether the table exists (1 or 0). Names are not
   * quoted. Reads the catalogue as tables: functions such as to_regclass may answer from a cache that lacks tables just
   * created by another session.
   */
  inspect: {
    text: `
      select current_setting('server_encoding'),
        (select count(*) from pg_namespace where nspname = $1)::integer,
        (select count(*) from pg_class where relname = $2 and relnamespace in
          (select oid from pg_namespace where nspname = $1))::integer`,
  },
} as const;

/** The statements of one application, each with its parameters -> the columns it returns. */
export interface Statements {
  /**
   * pipelineId, commitId, originatorIds, originatorVersions, types, data, timestamps, correlationIds, correlationId of
   * all, metadata, metadata of all, the ids and versions that must be recorded, channel, prompt; for 'next' also
   * upstreamName, expected, position, mark, typesVersion, causeName, causeIds; for 'any' upstreamNames, expected,
   * positions, marks, typesVersions, causeNames, causeIds, causePipelineIds, dependencies, the columns of snapshots,
   * places, number of events with a place in the log; for 'keyed' also the keys, timestamps, fingerprints and outcomes of
   * commands; for 'parked' also upstreamNames, notificationIds, expected revisions, originatorIds, isDue, attempts, since and
   * reasons; for 'operated' those of 'keyed', timestamps, kinds, by, reasons, details of operations, and those of 'parked'; and
   * for 'single' pipelineId, commitId,
   * originatorId, originatorVersion, type, data, timestamp, correlationId, metadata, causeName, causeId, upstreamName,
   * expected, position, mark, typesVersion, channel, prompt -> head
   */
  readonly append: Readonly<Record<Shape, Statement>>;
  /** originatorIds, originatorVersions, schemas, states */
  readonly putSnapshots: Statement;
  /** originatorId, originatorVersion, commitId -> notificationId, below 0 for an event without a place in the log */
  readonly committed: Statement;
  /** originatorIds -> originatorVersion, in the same order */
  readonly newestVersions: Statement;
  /** Makes all transactions wait that append to a log, until the transaction ends. */
  readonly lockLogs: Statement;
  /** commitId -> 0 if an operation of the call is recorded */
  readonly operated: Statement;
  /** key, commitId -> 0 if the command of the call is recorded */
  readonly keyed: Statement;
  /** keys -> those that are recorded, in any order */
  readonly keys: Statement;
  /** pipelineId, upstreamName, notificationId, commitId -> 0 if the call has parked the notification or changed it last */
  readonly parkedBy: Statement;
  /** pipelineId, upstreamNames, notificationIds -> upstreamName, notificationId, revision of those that are parked */
  readonly revisions: Statement;
  /** pipelineId, after, limit, upstreamName or null -> the columns of `toParked` */
  readonly parked: Statement;
  /** The same and isDue */
  readonly parkedByDue: Statement;
  /** -> the columns of `toParkedCount` */
  readonly countParked: Statement;
  /** key -> key, timestamp, fingerprint, outcome */
  readonly command: Statement;
  /** before, limit -> number of deleted commands */
  readonly deleteCommands: Statement;
  /** pipelineId, upstreamNames -> the columns of `toPosition`, in the same order; zeros and nulls if there is none */
  readonly positions: Statement;
  /** pipelineId, upstreamName, expectedVersion, types -> version; nothing unless the version has the expected value */
  readonly setTypes: Statement;
  /** after, limit -> the columns of `toOperation` */
  readonly operations: Statement;
  /** pipelineId -> notificationId */
  readonly head: Statement;
  /**
   * originatorIds, originatorVersions -> pipelineId, notificationId or 0, in the same order; pipelineId is null if there is
   * no event
   */
  readonly places: Statement;
  /** -> pipelineId, notificationId of the last notification of each log */
  readonly logs: Statement;
  /** -> the columns of `toPosition` */
  readonly allPositions: Statement;
  /**
   * pipelineId, after, limit, maxSize -> notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies,
   * causeName, causePipelineId, causeId, correlationId in hexadecimal digits, metadata
   */
  readonly notifications: Statement;
  /** pipelineId, after, limit -> notificationId, causeName, causePipelineId, causeId */
  readonly causes: Statement;
  /** pipelineId, after, limit -> type, number of events, last notificationId */
  readonly countTypes: Statement;
  /**
   * originatorIds, after, upTo, useSnapshot -> number of the request from 1, 0 for a snapshot or 1 for an event,
   * originatorVersion, type, data or state, timestamp or schema
   */
  readonly histories: Statement;
  /** The same with maxSize as the last parameter: only histories before which the others have a smaller size. */
  readonly historiesUpTo: Statement;
}

/** Returns the statements for one application's tables. */
export function statementsFor(tables: ApplicationTables): Statements {
  return {
    ...appendStatements(tables),
    ...positionStatements(tables),
    ...commandStatements(tables),
    ...parkedStatements(tables),
    ...logStatements(tables),
    ...historyStatements(tables),
  };
}

/** Statements that append to a log, and find out why an append was refused. */
function appendStatements(tables: ApplicationTables) {
  const { events, logs, operations } = tables;
  const append = appendTexts(tables);
  return {
    append: {
      events: named(append.events),
      next: named(append.next),
      any: named(append.any),
      single: named(append.single),
      keyed: named(append.keyed),
      parked: named(append.parked),
      operated: named(append.operated),
    },
    putSnapshots: named(
      putSnapshotsText(tables, 'unnest($1::text[], $2::integer[], $3::bigint[], $4::text[])'),
    ),
    committed: named(`
      select notification_id from ${events}
      where originator_id = $1 and originator_version = $2 and commit_id = $3`),
    // Appending begins with a lock on this table. The role that appends has no other right that suffices.
    lockLogs: { text: `lock table ${logs} in share row exclusive mode` },
    newestVersions: named(`
      select coalesce((
        select e.originator_version from ${events} e where e.originator_id = i.id order by e.originator_version desc limit 1
      ), 0)
      from unnest($1::text[]) with ordinality as i (id, number) order by i.number`),
    operated: named(`select 0 from ${operations} where commit_id = $1 limit 1`),
  } satisfies Partial<Statements>;
}

/** Statements for positions and operations. */
function positionStatements({ positions, operations }: ApplicationTables) {
  return {
    positions: named(`
      select $1::integer, i.name, coalesce(p.position, 0), p.mark, p.handled_types, coalesce(p.types_version, 0)
      from unnest($2::text[]) with ordinality as i (name, number)
      left join ${positions} p on p.pipeline_id = $1 and p.upstream_name = i.name order by i.number`),
    setTypes: named(`
      insert into ${positions} as p (pipeline_id, upstream_name, position, handled_types, types_version)
      select $1::integer, $2::text, 0, $4::text, $3::integer + 1
      where $3::integer = coalesce((
        select c.types_version from ${positions} c where c.pipeline_id = $1::integer and c.upstream_name = $2::text
      ), 0)
      on conflict (pipeline_id, upstream_name)
      do update set handled_types = excluded.handled_types, types_version = excluded.types_version
      where p.types_version = $3::integer
      returning p.types_version`),
    operations: named(`
      select id, timestamp, kind, done_by, reason, details from ${operations} where id > $1 order by id limit $2`),
    allPositions: named(
      `select pipeline_id, upstream_name, position, mark, handled_types, types_version
      from ${positions} order by pipeline_id, upstream_name`,
    ),
  } satisfies Partial<Statements>;
}

/** Statements for the keys of commands. */
function commandStatements({ commands }: ApplicationTables) {
  return {
    keyed: named(`select 0 from ${commands} where key = $1 and commit_id = $2`),
    keys: named(`select key from ${commands} where key = any($1::text[])`),
    command: named(`select key, timestamp, fingerprint, outcome from ${commands} where key = $1`),
    // The keys are sorted, so that two calls delete them in the same order, and none waits for the other in a circle.
    deleteCommands: named(`
      with deleted as (
        delete from ${commands} where key = any(array(
          select c.key from (select key from ${commands} where timestamp < $1 order by timestamp limit $2) c order by c.key
        ))
        returning 1
      )
      select count(*)::integer from deleted`),
  } satisfies Partial<Statements>;
}

/** Statements that read parked notifications. */
function parkedStatements({ parked }: ApplicationTables) {
  const page = (condition: string) =>
    named(`
      select id, revision, upstream_name, notification_id, originator_id, is_due::integer, attempts, since, reason
      from ${parked}
      where pipeline_id = $1 and id > $2 and ($4::text is null or upstream_name = $4::text)${condition}
      order by id limit $3`);
  return {
    parkedBy: named(`
      select 0 from ${parked}
      where pipeline_id = $1 and upstream_name = $2 and notification_id = $3 and commit_id = $4`),
    revisions: named(`
      select p.upstream_name, p.notification_id, p.revision
      from unnest($2::text[], $3::bigint[]) as c (upstream_name, notification_id)
      join ${parked} p on p.pipeline_id = $1 and p.upstream_name = c.upstream_name
        and p.notification_id = c.notification_id`),
    parked: page(''),
    parkedByDue: page(' and is_due = $5'),
    countParked: named(`
      select pipeline_id, upstream_name, count(*) from ${parked}
      group by pipeline_id, upstream_name order by pipeline_id, upstream_name`),
  } satisfies Partial<Statements>;
}

/** Statements that read logs. */
function logStatements({ events, logs }: ApplicationTables) {
  return {
    head: named(`select coalesce((select head from ${logs} where pipeline_id = $1), 0)`),
    logs: named(`select pipeline_id, head from ${logs} where head > 0 order by pipeline_id`),
    places: named(`
      select e.pipeline_id, greatest(e.notification_id, 0)
      from unnest($1::text[], $2::integer[]) with ordinality as k (id, version, number)
      left join lateral (
        select * from ${events} e where e.originator_id = k.id and e.originator_version = k.version offset 0
      ) e on true
      order by k.number`),
    notifications: named(`
      select notification_id, originator_id, originator_version, type, data, timestamp, dependencies,
        cause_name, cause_pipeline_id, cause_id, encode(correlation_id, 'hex'), metadata
      from ${events} where pipeline_id = $1 and notification_id > $2 order by notification_id
      limit (${limitText(events)})`),
    causes: named(`
      select notification_id, cause_name, cause_pipeline_id, cause_id
      from ${events} where pipeline_id = $1 and notification_id > $2 order by notification_id limit $3`),
    countTypes: named(`
      select type, count(*), max(notification_id) from (
        select type, notification_id from ${events}
        where pipeline_id = $1 and notification_id > $2 order by notification_id limit $3
      ) e group by type`),
  } satisfies Partial<Statements>;
}

/** Statements that read aggregates. */
function historyStatements(tables: ApplicationTables) {
  return {
    histories: named(
      `${historiesText(tables)} select * from found order by number, place, originator_version`,
    ),
    historiesUpTo: named(`${historiesText(tables)}
      select number, place, originator_version, type, data, timestamp
      from (
        select *, sum(octet_length(data)) over (order by number groups between unbounded preceding and 1 preceding) as before
        from found
      ) f
      where before is null or before < $5::bigint
      order by number, place, originator_version`),
  } satisfies Partial<Statements>;
}

/** SQL that finds the rows of histories, see `Statements.histories`. */
function historiesText({ events, snapshots }: ApplicationTables): string {
  return `
    with request as (
      select * from unnest($1::text[], $2::integer[], $3::integer[], $4::boolean[])
        with ordinality as r (id, after, up_to, use_snapshot, number)
    ), snapshot as (
      select r.number, s.* from request r cross join lateral (
        select * from ${snapshots} s
        where r.use_snapshot and s.originator_id = r.id
          and s.originator_version > r.after and s.originator_version <= r.up_to
        order by s.originator_version desc limit 1
      ) s
    ), found (number, place, originator_version, type, data, timestamp) as (
      select number, 0, originator_version, null, state, schema from snapshot
      union all
      select r.number, 1, e.originator_version, e.type, e.data, e.timestamp
      from request r left join snapshot s on s.number = r.number cross join lateral (
        select * from ${events} e
        where e.originator_id = r.id
          and e.originator_version > coalesce(s.originator_version, r.after) and e.originator_version <= r.up_to
        offset 0
      ) e
    )`;
}

/**
 * SQL of the number of notifications up to the one by which their size reaches `maxSize`, $4, and $3 at most. Sizes are
 * read without the texts, and summed up one by one only if the whole is too large.
 */
function limitText(events: string): string {
  const sizes = `
    select notification_id, octet_length(data) + coalesce(octet_length(metadata), 0) as size
    from ${events} where pipeline_id = $1 and notification_id > $2 order by notification_id limit $3`;
  return `
    select case when sum(size) < $4::bigint then $3::bigint else (
      select count(*) from (select sum(size) over (order by notification_id) - size as before from (${sizes}) s) s
      where before < $4::bigint
    ) end from (${sizes}) s`;
}

/** Names a statement by its text: applications share connections, which a pooler may keep over releases of kahn. */
export function named(text: string): Statement {
  return { text, name: `kahn_${hash('sha256', text).slice(0, 32)}` };
}
