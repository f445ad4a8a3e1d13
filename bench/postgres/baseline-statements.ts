import type { ApplicationTables } from '../../src/storage/postgres/tables.ts';

/** A statement that the server prepares once per connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** The statements of one application's log. The comments list parameters and results. */
export interface BaselineStatements {
  /** ids, versions, types, data, timestamps */
  readonly append: Prepared;
  /** As append, then upstreamName, expected, position; no row if the position is not the expected one. */
  readonly process: Prepared;
  /** id, version, type, data, timestamp, upstreamName, expected, position; no row if the position differs */
  readonly processOne: Prepared;
  /** upstreamName, expected, position; no row if the position differs */
  readonly move: Prepared;
  /** after, limit -> notifications */
  readonly read: Prepared;
  /** ids -> id and newest version of each recorded one */
  readonly versions: Prepared;
  /** upstreamName -> position; inserts the row if it is missing */
  readonly position: Prepared;
}

/** Returns the statements for pipeline 0. The lock on the head's row, held until the commit, makes ids contiguous. */
export function baselineStatements(
  name: string,
  { events, logs, positions }: ApplicationTables,
): BaselineStatements {
  const move = (first: number) =>
    `update ${positions} set position = $${first + 2}
    where pipeline_id = 0 and upstream_name = $${first} and position = $${first + 1} returning 1`;
  const columns =
    'pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id';
  const advance = (from: string) =>
    `update ${logs} set head = head + cardinality($1::text[]) ${from} where pipeline_id = 0 returning head`;
  const insert = `insert into ${events} (${columns})
    select 0, log.head - cardinality($1::text[]) + e.number, e.id, e.version, e.type, e.data, e.timestamp, 0
    from log, unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::bigint[])
      with ordinality as e (id, version, type, data, timestamp, number)`;
  const prepared = (what: string, text: string): Prepared => ({ name: `${name}_${what}`, text });
  return {
    append: prepared('append', `with log as (${advance('')}) ${insert}`),
    process: prepared('process', `with moved as (${move(6)}), log as (${advance('from moved')}) ${insert}`),
    processOne: prepared(
      'process_one',
      `with moved as (${move(6)}),
      log as (update ${logs} set head = head + 1 from moved where pipeline_id = 0 returning head)
      insert into ${events} (${columns})
      select 0, head, $1::text, $2::integer, $3::text, $4::text, $5::bigint, 0 from log`,
    ),
    move: prepared('move', move(1)),
    read: prepared(
      'read',
      `select notification_id, originator_id, originator_version, type, data, timestamp from ${events}
      where pipeline_id = 0 and notification_id > $1 order by notification_id limit $2`,
    ),
    versions: prepared(
      'versions',
      `select originator_id, max(originator_version) from ${events} where originator_id = any($1::text[]) group by 1`,
    ),
    position: prepared(
      'position',
      `insert into ${positions} as p (pipeline_id, upstream_name, position) values (0, $1, 0)
      on conflict (pipeline_id, upstream_name) do update set position = p.position returning position`,
    ),
  };
}
