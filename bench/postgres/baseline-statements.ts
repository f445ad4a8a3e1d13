import type { ApplicationTables } from '../../src/storage/postgres/tables.ts';

/** A statement that the server prepares once for each connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** The statements of one application's log, as few and as plain as they can be. */
export interface BoundStatements {
  /** ids, versions, types, data, timestamps */
  readonly append: Prepared;
  /** The same, then upstreamName, expected, position; no row if the position is another one. */
  readonly process: Prepared;
  /** id, version, type, data, timestamp, upstreamName, expected, position; no row if the position is another one */
  readonly processOne: Prepared;
  /** upstreamName, expected, position; no row if the position is another one */
  readonly move: Prepared;
  /** after, limit -> notifications */
  readonly read: Prepared;
  /** ids -> id and newest version of those that are there */
  readonly versions: Prepared;
  /** upstreamName -> position; the row is made if it is not there */
  readonly position: Prepared;
}

/** The head's row, held until the commit, is what makes ids contiguous. Its log is that of pipeline 0. */
export function boundStatements(
  name: string,
  { events, logs, positions }: ApplicationTables,
): BoundStatements {
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
