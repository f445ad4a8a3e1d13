import type { ApplicationTables } from './tables.ts';

/**
 * Contents of a batch: only events of commands (`events`), events or one event with one position that is recorded already
 * and with causes in the log of one application and the same pipeline (`next`, `single`), or anything (`any`), which
 * includes dependencies, several positions, other causes, texts with the {@link textSeparator} and snapshots. Most batches
 * are of the first three shapes, whose statements do no unneeded work.
 */
export type Shape = 'events' | 'next' | 'single' | 'any';

/**
 * Separates the texts that `events` and `next` take as one parameter, which both sides read faster than an array because
 * nothing is quoted. JSON never contains it.
 */
export const textSeparator = '\x1f';

/** Returns SQL that records a batch of each shape. The parameters are those of `Statements.append`. */
export function appendTexts(tables: ApplicationTables): Readonly<Record<Shape, string>> {
  return {
    events: appendText(tables, 'events'),
    next: appendText(tables, 'next'),
    any: appendText(tables, 'any'),
    single: singleText(tables),
  };
}

/** Columns that every batch fills. */
const columns = `pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id,
        correlation_id, metadata`;

/** More columns by shape, the SQL of their values, and of their arrays if the values differ by event. */
const more = {
  events: { columns: '', values: '', arrays: '', names: '' },
  next: {
    columns: ', cause_name, cause_id',
    values: ', $19::text, e.cause_id',
    arrays: ', $20::bigint[]',
    names: ', cause_id',
  },
  any: {
    columns: ', cause_name, cause_id, cause_pipeline_id, dependencies',
    values: ', e.cause_name, e.cause_id, e.cause_pipeline_id, e.dependencies',
    arrays: ', $19::text[], $20::bigint[], $21::integer[], $22::text[]',
    names: ', cause_name, cause_id, cause_pipeline_id, dependencies',
  },
} as const;

/**
 * SQL that records a batch of process events in a transaction of its own. In this order:
 *
 * 1. Checks that the previous version of each aggregate is recorded.
 * 2. Moves the positions that have the expected values, after waiting for transactions that are moving them.
 * 3. Advances the head of the log. From here to the commit no other transaction writes to this log: so ids have no
 *    gaps, and a reader that sees an id sees all smaller ids. All transactions lock in this order, so none deadlocks.
 * 4. Inserts events and snapshots, and prompts followers. Where the correlation ids or the metadata of all events are
 *    equal, one value replaces the column.
 *
 * It returns the head, or no row, without any change, if a previous version is missing or no position had the expected
 * value. It fails with unique_violation if a version is recorded already, and with not_null_violation if only some
 * positions had the expected values.
 */
function appendText(tables: ApplicationTables, shape: Exclude<Shape, 'single'>): string {
  const { events, logs } = tables;
  const own = more[shape];
  const isAny = shape === 'any';
  const texts = (parameter: string) =>
    isAny
      ? `${parameter}::text[]`
      : `string_to_array(${parameter}::text, chr(${textSeparator.charCodeAt(0)}))`;
  const metadata = isAny ? 'e.metadata' : "nullif(e.metadata, '')";
  const putSnapshots = `, snapshot as (
      ${putSnapshotsText(tables, 'log, unnest($23::text[], $24::integer[], $25::bigint[], $26::text[])')}
    )`;
  return `
    with ready as (
      select not exists (
        select from unnest($12::text[], $13::integer[]) as before (originator_id, originator_version)
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
        (${columns}${own.columns})
      select $1::integer, log.head - cardinality($3::text[]) + e.number,
        e.originator_id, e.originator_version, e.type, e.data, e.timestamp, $2::bigint,
        coalesce(e.correlation_id, $9::bytea), coalesce(${metadata}, $11::text)${own.values}
      from log, unnest(
          $3::text[], $4::integer[], $5::text[], ${texts('$6')}, $7::bigint[], $8::bytea[], ${texts('$10')}${own.arrays}
        ) with ordinality
        as e (originator_id, originator_version, type, data, timestamp, correlation_id, metadata${own.names}, number)
    )${isAny ? putSnapshots : ''}
    select log.head, case when cardinality($3::text[]) > 0 then pg_notify($14, $15 || log.head || ']')::text end from log`;
}

/**
 * SQL that records a single event with as little work as possible. A recorded position implies a recorded head; without
 * a head the insert would fail and no position would move.
 */
function singleText({ events, logs, positions }: ApplicationTables): string {
  return `
    with moved as (
      update ${positions} p set position = $14::bigint
      where p.pipeline_id = $1::integer and p.upstream_name = $12::text and p.position = $13::bigint and (
        $4::integer = 1 or exists (
          select from ${events} e where e.originator_id = $3::text and e.originator_version = $4::integer - 1
        )
      )
      returning p.position
    ), log as (
      update ${logs} l set head = l.head + 1 from moved where l.pipeline_id = $1::integer returning l.head
    ), inserted as (
      insert into ${events}
        (${columns}${more.next.columns})
      select $1::integer, log.head, $3::text, $4::integer, $5::text, $6::text, $7::bigint, $2::bigint,
        $8::bytea, $9::text, $10::text, $11::bigint
      from moved left join log on true
    )
    select log.head, pg_notify($15, $16 || log.head || ']')::text from log`;
}

/** SQL that moves the positions that have the expected values. */
function movedText({ positions }: ApplicationTables, shape: Exclude<Shape, 'single'>): string {
  if (shape === 'events') return '';
  if (shape === 'next') {
    return `moved as (
      update ${positions} p set position = $18::bigint from ready
      where ready.ok and p.pipeline_id = $1::integer and p.upstream_name = $16::text and p.position = $17::bigint
      returning p.position
    ),`;
  }
  return `tracked as (
      select * from unnest($16::text[], $17::bigint[], $18::bigint[]) as t (upstream_name, expected, position)
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
  return `select $1::integer, case when m.count = cardinality($16::text[]) then cardinality($3::text[]) end
      from (select count(*) from moved) m, ready
      where ready.ok and (m.count > 0 or cardinality($16::text[]) = 0)`;
}

/** SQL that inserts snapshots, or replaces snapshots of the same aggregate and version. */
export function putSnapshotsText({ snapshots }: ApplicationTables, from: string): string {
  return `
      insert into ${snapshots} (originator_id, originator_version, schema, state)
      select s.* from ${from} as s
      on conflict (originator_id, originator_version)
      do update set schema = excluded.schema, state = excluded.state`;
}
