import { hash } from 'node:crypto';
import { applicationsIn } from './schema.ts';
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
  commit: { text: 'commit' },
  rollback: { text: 'rollback' },
  /**
   * statementTimeoutMs. Plans are made once and kept, since planning takes longer than execution. Plans must therefore
   * not depend on the small size of the tables at that time.
   */
  settings: {
    text: `select set_config('statement_timeout', $1, false), set_config('enable_seqscan', 'off', false),
      set_config('plan_cache_mode', 'force_generic_plan', false),
      set_config('default_transaction_isolation', 'read committed', false)`,
  },
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
  /** applicationName -> version */
  readonly version: Statement;
  /** applicationName, version */
  readonly register: Statement;
  /** applicationName, version */
  readonly setVersion: Statement;
  /**
   * pipelineId, commitId, originatorIds, originatorVersions, types, data, timestamps, the ids and versions that must be
   * recorded, channel, prompt; for 'next' also upstreamName, expected, position; for 'any' upstreamNames, expected,
   * positions, the columns of snapshots, and dependencies -> head. See {@link appendText}; and for 'single' {@link
   * singleText}.
   */
  readonly append: Readonly<Record<Shape, Statement>>;
  /** originatorIds, originatorVersions, schemas, states */
  readonly putSnapshots: Statement;
  /** originatorId, originatorVersion, commitId -> notificationId */
  readonly committed: Statement;
  /** originatorIds -> originatorVersion, in the same order */
  readonly newestVersions: Statement;
  /** pipelineId, upstreamNames -> position, in the same order */
  readonly positions: Statement;
  /** pipelineId -> notificationId */
  readonly head: Statement;
  /** originatorIds, originatorVersions -> pipelineId, notificationId, in the same order; null if there is none */
  readonly places: Statement;
  /** pipelineId, after, limit -> notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies */
  readonly notifications: Statement;
  /**
   * originatorIds, after, upTo, useSnapshot -> number of the request from 1, 0 for a snapshot or 1 for an event,
   * originatorVersion, type, data or state, timestamp or schema
   */
  readonly histories: Statement;
}

/** Returns the statements for one application's tables. */
export function statementsFor(tables: ApplicationTables): Statements {
  const { events, logs, positions, snapshots } = tables;
  const applications = applicationsIn(tables.schema);
  return {
    version: { text: `select version from ${applications} where application_name = $1` },
    register: { text: `insert into ${applications} (application_name, version) values ($1, $2)` },
    setVersion: { text: `update ${applications} set version = $2 where application_name = $1` },
    append: {
      events: named(appendText(tables, 'events')),
      next: named(appendText(tables, 'next')),
      any: named(appendText(tables, 'any')),
      single: named(singleText(tables)),
    },
    putSnapshots: named(
      putSnapshotsText(tables, 'unnest($1::text[], $2::integer[], $3::bigint[], $4::text[])'),
    ),
    committed: named(`
      select notification_id from ${events}
      where originator_id = $1 and originator_version = $2 and commit_id = $3`),
    newestVersions: named(`
      select coalesce((
        select e.originator_version from ${events} e where e.originator_id = i.id order by e.originator_version desc limit 1
      ), 0)
      from unnest($1::text[]) with ordinality as i (id, number) order by i.number`),
    positions: named(`
      select coalesce((
        select p.position from ${positions} p where p.pipeline_id = $1 and p.upstream_name = i.name
      ), 0)
      from unnest($2::text[]) with ordinality as i (name, number) order by i.number`),
    head: named(`select coalesce((select head from ${logs} where pipeline_id = $1), 0)`),
    places: named(`
      select e.pipeline_id, e.notification_id
      from unnest($1::text[], $2::integer[]) with ordinality as k (id, version, number)
      left join lateral (
        select * from ${events} e where e.originator_id = k.id and e.originator_version = k.version offset 0
      ) e on true
      order by k.number`),
    notifications: named(`
      select notification_id, originator_id, originator_version, type, data, timestamp, dependencies
      from ${events} where pipeline_id = $1 and notification_id > $2 order by notification_id limit $3`),
    histories: named(`
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
      )
      select number, 0 as place, originator_version, null as type, state, schema from snapshot
      union all
      select r.number, 1, e.originator_version, e.type, e.data, e.timestamp
      from request r left join snapshot s on s.number = r.number cross join lateral (
        select * from ${events} e
        where e.originator_id = r.id
          and e.originator_version > coalesce(s.originator_version, r.after) and e.originator_version <= r.up_to
        offset 0
      ) e
      order by number, place, originator_version`),
  };
}

/**
 * Contents of a batch: only events (`events`), events or one event with one position that is recorded already (`next`,
 * `single`), or anything (`any`), which includes dependencies, several positions and snapshots. Most batches are of the
 * first three shapes, whose statements do no unneeded work.
 */
export type Shape = 'events' | 'next' | 'single' | 'any';

/**
 * SQL that records a batch of process events in a transaction of its own. In this order:
 *
 * 1. Checks that the previous version of each aggregate is recorded.
 * 2. Moves the positions that have the expected values, after waiting for transactions that are moving them.
 * 3. Advances the head of the log. From here to the commit no other transaction writes to this log: so ids have no
 *    gaps, and a reader that sees an id sees all smaller ids. All transactions lock in this order, so none deadlocks.
 * 4. Inserts events and snapshots, and prompts followers.
 *
 * It returns the head, or no row, without any change, if a previous version is missing or no position had the expected
 * value. It fails with unique_violation if a version is recorded already, and with not_null_violation if only some
 * positions had the expected values.
 */
function appendText(tables: ApplicationTables, shape: Exclude<Shape, 'single'>): string {
  const { events, logs } = tables;
  const isAny = shape === 'any';
  const more = isAny ? ', dependencies' : '';
  const putSnapshots = `, snapshot as (
      ${putSnapshotsText(tables, 'log, unnest($15::text[], $16::integer[], $17::bigint[], $18::text[])')}
    )`;
  return `
    with ready as (
      select not exists (
        select from unnest($8::text[], $9::integer[]) as before (originator_id, originator_version)
        where (
          select e.originator_version from ${events} e
          where e.originator_id = before.originator_id and e.originator_version = before.originator_version
        ) is null
      ) as ok
    ), ${movedText(tables, shape)} log as (
      insert into ${logs} as l (pipeline_id, head)
      ${advanceText(shape)}
      on conflict (pipeline_id) do update set head = l.head + excluded.head
      returning head
    ), inserted as (
      insert into ${events}
        (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id${more})
      select $1::integer, log.head - cardinality($3::text[]) + e.number,
        e.originator_id, e.originator_version, e.type, e.data, e.timestamp, $2::bigint${isAny ? ', e.dependencies' : ''}
      from log, unnest($3::text[], $4::integer[], $5::text[], $6::text[], $7::bigint[]${isAny ? ', $19::text[]' : ''})
        with ordinality as e (originator_id, originator_version, type, data, timestamp${more}, number)
    )${isAny ? putSnapshots : ''}
    select log.head, case when cardinality($3::text[]) > 0 then pg_notify($10, $11 || log.head || ']')::text end from log`;
}

/**
 * SQL that records a single event with as little work as possible. Parameters: pipelineId, commitId, originatorId,
 * originatorVersion, type, data, timestamp, upstreamName, expected, position, channel, prompt. A recorded position
 * implies a recorded head; without a head the insert would fail and no position would move.
 */
function singleText({ events, logs, positions }: ApplicationTables): string {
  return `
    with moved as (
      update ${positions} p set position = $10::bigint
      where p.pipeline_id = $1::integer and p.upstream_name = $8::text and p.position = $9::bigint and (
        $4::integer = 1 or exists (
          select from ${events} e where e.originator_id = $3::text and e.originator_version = $4::integer - 1
        )
      )
      returning p.position
    ), log as (
      update ${logs} l set head = l.head + 1 from moved where l.pipeline_id = $1::integer returning l.head
    ), inserted as (
      insert into ${events}
        (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id)
      select $1::integer, log.head, $3::text, $4::integer, $5::text, $6::text, $7::bigint, $2::bigint
      from moved left join log on true
    )
    select log.head, pg_notify($11, $12 || log.head || ']')::text from log`;
}

/** SQL that moves the positions that have the expected values. */
function movedText({ positions }: ApplicationTables, shape: Exclude<Shape, 'single'>): string {
  if (shape === 'events') return '';
  if (shape === 'next') {
    return `moved as (
      update ${positions} p set position = $14::bigint from ready
      where ready.ok and p.pipeline_id = $1::integer and p.upstream_name = $12::text and p.position = $13::bigint
      returning p.position
    ),`;
  }
  return `tracked as (
      select * from unnest($12::text[], $13::bigint[], $14::bigint[]) as t (upstream_name, expected, position)
    ), moved as (
      insert into ${positions} as p (pipeline_id, upstream_name, position)
      select $1::integer, t.upstream_name, t.position from tracked t, ready
      where ready.ok and t.expected = coalesce((
        select c.position from ${positions} c where c.pipeline_id = $1::integer and c.upstream_name = t.upstream_name
      ), 0)
      on conflict (pipeline_id, upstream_name) do update set position = excluded.position
      where p.position = (select t.expected from tracked t where t.upstream_name = excluded.upstream_name)
      returning position
    ),`;
}

/** SQL that returns by how much the head of the log advances, or no row if the head must not advance. */
function advanceText(shape: Exclude<Shape, 'single'>): string {
  if (shape === 'events') return 'select $1::integer, cardinality($3::text[]) from ready where ready.ok';
  if (shape === 'next') return 'select $1::integer, cardinality($3::text[]) from moved';
  return `select $1::integer, case when m.count = cardinality($12::text[]) then cardinality($3::text[]) end
      from (select count(*) from moved) m, ready
      where ready.ok and (m.count > 0 or cardinality($12::text[]) = 0)`;
}

/** SQL that inserts snapshots, or replaces snapshots of the same aggregate and version. */
function putSnapshotsText({ snapshots }: ApplicationTables, from: string): string {
  return `
      insert into ${snapshots} (originator_id, originator_version, schema, state)
      select s.* from ${from} as s
      on conflict (originator_id, originator_version)
      do update set schema = excluded.schema, state = excluded.state`;
}

/** Names a statement by its text: applications share connections, which a pooler may keep over releases of kahn. */
function named(text: string): Statement {
  return { text, name: `kahn_${hash('sha256', text).slice(0, 32)}` };
}
