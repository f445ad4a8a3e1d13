import type { ApplicationTables } from '../tables.ts';

/**
 * Contents of a batch: only events of commands (`events`), events or one event with one position that is recorded already
 * and with causes in the log of one application and the same pipeline (`next`, `single`), or anything (`any`), which
 * includes dependencies, several positions, other causes, texts with the {@link textSeparator}, snapshots and events
 * without a place in the log; `keyed` also has commands, `parked` changes of parked notifications, and `operated` both and
 * operations. Most batches are of the first three shapes, whose statements do no unneeded work. A statement needs the rights
 * on all tables that it names.
 */
export type Shape = 'events' | 'next' | 'single' | 'any' | 'keyed' | 'parked' | 'operated';

/**
 * Separates the texts that `events` and `next` take as one parameter, which both sides read faster than an array because
 * nothing is quoted. JSON never contains it.
 */
export const textSeparator = '\x1f';

/** Returns SQL that records a batch of each shape. The parameters are those of `Statements.append`. */
export function appendTexts(tables: ApplicationTables): Readonly<Record<Shape, string>> {
  const everything = keyedText(tables) + operatedText(tables) + parkedText(tables, 40);
  return {
    events: appendText(tables, 'events'),
    next: appendText(tables, 'next'),
    any: appendText(tables, 'any'),
    single: singleText(tables),
    keyed: appendText(tables, 'any', isNew(tables), keyedText(tables)),
    parked: appendText(tables, 'any', '', parkedText(tables, 31)),
    operated: appendText(tables, 'any', isNew(tables), everything),
  };
}

/** Columns that every batch fills. */
const columns = `pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id,
        correlation_id, metadata`;

/** SQL for a batch whose events all have a place in the log. */
const allListed = {
  listed: 'cardinality($3::text[])',
  heads: 'head',
  advanced: 'head = l.head + excluded.head',
  id: 'log.head - cardinality($3::text[]) + e.number',
} as const;

/**
 * SQL for a batch in which $30 events have a place in the log. The places of these events count from 1, those of the
 * others from -1.
 */
const someListed = {
  listed: '$30::integer',
  heads: 'head, unlisted',
  advanced: `${allListed.advanced}, unlisted = l.unlisted + excluded.unlisted`,
  id: `case when e.place > 0 then log.head - $30::integer + e.place
        else log.unlisted + cardinality($3::text[]) - $30::integer + e.place end`,
} as const;

/** More columns by shape, the SQL of their values, and of their arrays if the values differ by event. */
const more = {
  events: { ...allListed, columns: '', values: '', arrays: '', names: '' },
  next: {
    ...allListed,
    columns: ', cause_name, cause_id',
    values: ', $21::text, e.cause_id',
    arrays: ', $22::bigint[]',
    names: ', cause_id',
  },
  any: {
    ...someListed,
    columns: ', cause_name, cause_id, cause_pipeline_id, dependencies',
    values: ', e.cause_name, e.cause_id, e.cause_pipeline_id, e.dependencies',
    arrays: ', $21::text[], $22::bigint[], $23::integer[], $24::text[], $29::integer[]',
    names: ', cause_name, cause_id, cause_pipeline_id, dependencies, place',
  },
} as const;

/**
 * SQL that records a batch of process events in a transaction of its own. In this order:
 *
 * 1. Checks that the previous version of each aggregate is recorded, and no command with the same key.
 * 2. Moves the positions that have the expected values, after waiting for transactions that are moving them.
 * 3. Advances the head of the log. From here to the commit no other transaction writes to this log: so ids have no
 *    gaps, and a reader that sees an id sees all smaller ids. All transactions lock in this order, so none deadlocks.
 * 4. Inserts events, snapshots, commands and operations, changes what is parked, and prompts followers. Where the correlation ids or the
 *    metadata of all events are equal, one value replaces the column.
 *
 * It returns the head, or no row, without any change, if a previous version is missing, a key is recorded or no position
 * had the expected value. It fails with unique_violation if a version is recorded already, a key has just been recorded
 * or a notification is parked already, and with not_null_violation if only some positions had the expected values or a
 * revision is not as expected.
 */
function appendText(
  tables: ApplicationTables,
  shape: 'events' | 'next' | 'any',
  condition = '',
  inserts = '',
): string {
  const { events, logs } = tables;
  const own = more[shape];
  const isAny = shape === 'any';
  const texts = (parameter: string) =>
    isAny
      ? `${parameter}::text[]`
      : `string_to_array(${parameter}::text, chr(${textSeparator.charCodeAt(0)}))`;
  const metadata = isAny ? 'e.metadata' : "nullif(e.metadata, '')";
  const putSnapshots = `, snapshot as (
      ${putSnapshotsText(tables, 'log, unnest($25::text[], $26::integer[], $27::bigint[], $28::text[])')}
    )`;
  return `
    with ready as (
      select not exists (
        select from unnest($12::text[], $13::integer[]) as before (originator_id, originator_version)
        where (
          select e.originator_version from ${events} e
          where e.originator_id = before.originator_id and e.originator_version = before.originator_version
        ) is null
      )${condition} as ok
    ), ${movedText(tables, shape)} log as (
      insert into ${logs} as l (pipeline_id, ${own.heads})
      ${advanceText(shape)}
      on conflict (pipeline_id) do update set ${own.advanced}
      returning ${own.heads}
    ), inserted as (
      insert into ${events}
        (${columns}${own.columns})
      select $1::integer, ${own.id},
        e.originator_id, e.originator_version, e.type, e.data, e.timestamp, $2::bigint,
        coalesce(e.correlation_id, $9::bytea), coalesce(${metadata}, $11::text)${own.values}
      from log, unnest(
          $3::text[], $4::integer[], $5::text[], ${texts('$6')}, $7::bigint[], $8::bytea[], ${texts('$10')}${own.arrays}
        ) with ordinality
        as e (originator_id, originator_version, type, data, timestamp, correlation_id, metadata${own.names}, number)
    )${isAny ? putSnapshots : ''}${inserts}
    select log.head, case when ${own.listed} > 0 then pg_notify($14, $15 || log.head || ']')::text end from log`;
}

/**
 * SQL that records a single event with as little work as possible. A recorded position implies a recorded head; without
 * a head the insert would fail and no position would move.
 */
function singleText({ events, logs, positions }: ApplicationTables): string {
  return `
    with moved as (
      update ${positions} p set position = $14::bigint, mark = $15::text
      where p.pipeline_id = $1::integer and p.upstream_name = $12::text and p.position = $13::bigint
        and p.types_version = $16::integer and (
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
    select log.head, pg_notify($17, $18 || log.head || ']')::text from log`;
}

/** SQL that moves the positions that have the expected values. */
function movedText({ positions }: ApplicationTables, shape: 'events' | 'next' | 'any'): string {
  if (shape === 'events') return '';
  if (shape === 'next') {
    return `moved as (
      update ${positions} p set position = $18::bigint, mark = $19::text from ready
      where ready.ok and p.pipeline_id = $1::integer and p.upstream_name = $16::text and p.position = $17::bigint
        and p.types_version = $20::integer
      returning p.position
    ),`;
  }
  return `tracked as (
      select * from unnest($16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::integer[])
        as t (upstream_name, expected, position, mark, types_version)
    ), moved as (
      insert into ${positions} as p (pipeline_id, upstream_name, position, mark)
      select $1::integer, t.upstream_name, t.position, t.mark
      from tracked t cross join ready
      left join ${positions} c on c.pipeline_id = $1::integer and c.upstream_name = t.upstream_name
      where ready.ok and t.expected = coalesce(c.position, 0) and t.types_version = coalesce(c.types_version, 0)
      on conflict (pipeline_id, upstream_name) do update set position = excluded.position, mark = excluded.mark
      where (p.position, p.types_version) =
        (select t.expected, t.types_version from tracked t where t.upstream_name = excluded.upstream_name)
      returning position
    ),`;
}

/** SQL that returns by how much the head of the log advances, or no row if the head must not advance. */
function advanceText(shape: 'events' | 'next' | 'any'): string {
  if (shape === 'events') return 'select $1::integer, cardinality($3::text[]) from ready where ready.ok';
  if (shape === 'next') return 'select $1::integer, cardinality($3::text[]) from moved';
  return `select $1::integer, case when m.count = cardinality($16::text[]) then $30::integer end,
        $30::integer - cardinality($3::text[])
      from (select count(*) from moved) m, ready
      where ready.ok and (m.count > 0 or cardinality($16::text[]) = 0)`;
}

/** SQL of the condition that no command of the batch is recorded. */
function isNew({ commands }: ApplicationTables): string {
  return ` and not exists (select from ${commands} c where c.key = any($31::text[]))`;
}

/** SQL that inserts commands. */
function keyedText({ commands }: ApplicationTables): string {
  return `, keyed as (
      insert into ${commands} (key, timestamp, fingerprint, outcome, commit_id)
      select c.*, $2::bigint
      from log, unnest($31::text[], $32::bigint[], $33::text[], $34::text[]) as c
    )`;
}

/** SQL that inserts operations. Two calls that insert the same id conflict, and one of them is repeated. */
function operatedText({ operations }: ApplicationTables): string {
  return `, operated as (
      insert into ${operations} (id, commit_id, timestamp, kind, done_by, reason, details)
      select coalesce((select max(id) from ${operations}), 0) + o.number, $2::bigint,
        o.timestamp, o.kind, o.done_by, o.reason, o.details
      from log, unnest($35::bigint[], $36::text[], $37::text[], $38::text[], $39::text[]) with ordinality
        as o (timestamp, kind, done_by, reason, details, number)
    )`;
}

/**
 * SQL that changes parked notifications, and fails unless each revision is as expected.
 *
 * @param first Number of the first of eight parameters.
 */
function parkedText({ parked }: ApplicationTables, first: number): string {
  const types = ['text', 'bigint', 'integer', 'text', 'boolean', 'integer', 'bigint', 'text'];
  const parameters = types.map((type, index) => `$${first + index}::${type}[]`);
  const isExpected = `p.pipeline_id = $1::integer and p.upstream_name = c.upstream_name
        and p.notification_id = c.notification_id and p.revision = c.expected`;
  return `, change as (
      select c.* from log, unnest(${parameters.join()}) with ordinality
        as c (upstream_name, notification_id, expected, originator_id, is_due, attempts, since, reason, number)
    ), parked as (
      insert into ${parked} (revision, commit_id, pipeline_id, upstream_name, notification_id,
        originator_id, is_due, attempts, since, reason)
      select 1, $2::bigint, $1::integer, c.upstream_name, c.notification_id,
        c.originator_id, c.is_due, c.attempts, c.since, c.reason
      from change c where c.expected = 0 and c.reason is not null order by c.number
      returning 1
    ), changed as (
      update ${parked} p set revision = p.revision + 1, commit_id = $2::bigint, originator_id = c.originator_id,
        is_due = c.is_due, attempts = c.attempts, since = c.since, reason = c.reason
      from change c where c.expected > 0 and c.reason is not null and ${isExpected}
      returning 1
    ), deleted as (
      delete from ${parked} p using change c where c.reason is null and ${isExpected}
      returning 1
    ), refused as (
      insert into ${parked} (pipeline_id)
      select null from log where cardinality(${parameters[0]}) >
        (select count(*) from parked) + (select count(*) from changed) + (select count(*) from deleted)
    )`;
}

/** SQL that inserts snapshots, or replaces snapshots of the same aggregate and version. */
export function putSnapshotsText({ snapshots }: ApplicationTables, from: string): string {
  return `
      insert into ${snapshots} (originator_id, originator_version, schema, state)
      select s.* from ${from} as s
      on conflict (originator_id, originator_version)
      do update set schema = excluded.schema, state = excluded.state`;
}
