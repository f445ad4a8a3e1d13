import type { ApplicationTables } from '../../src/storage/postgres/tables.ts';

/** A statement that the server prepares once per connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** The statements of one application's log. The comments list parameters and results. */
export interface BaselineStatements {
  /** ids, versions, types, data, timestamps, correlation ids */
  readonly append: Prepared;
  /** As append, then the ids and the application of the causes, upstreamName, expected, position; no row if the position is not the expected one. */
  readonly process: Prepared;
  /** As process, for one event */
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
    'pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id, correlation_id';
  const advance = (from: string) =>
    `update ${logs} set head = head + cardinality($1::text[]) ${from} where pipeline_id = 0 returning head`;
  const causeColumns = ', cause_id, cause_name';
  const insert = (causes: '' | typeof causeColumns) => `insert into ${events} (${columns}${causes})
    select 0, log.head - cardinality($1::text[]) + e.number, e.id, e.version, e.type, e.data, e.timestamp, 0,
      e.correlation_id${causes && ', e.cause_id, $8::text'}
    from log, unnest(
      $1::text[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::bytea[]${causes && ', $7::bigint[]'}
    ) with ordinality as e (id, version, type, data, timestamp, correlation_id${causes && ', cause_id'}, number)`;
  const prepared = (what: string, text: string): Prepared => ({ name: `${name}_${what}`, text });
  return {
    append: prepared('append', `with log as (${advance('')}) ${insert('')}`),
    process: prepared(
      'process',
      `with moved as (${move(9)}), log as (${advance('from moved')}) ${insert(causeColumns)}`,
    ),
    processOne: prepared(
      'process_one',
      `with moved as (${move(9)}),
      log as (update ${logs} set head = head + 1 from moved where pipeline_id = 0 returning head)
      insert into ${events} (${columns}${causeColumns})
      select 0, head, $1::text, $2::integer, $3::text, $4::text, $5::bigint, 0, $6::bytea, $7::bigint, $8::text from log`,
    ),
    move: prepared('move', move(1)),
    read: prepared(
      'read',
      `select notification_id, originator_id, originator_version, type, data, timestamp,
        cause_name, cause_id, encode(correlation_id, 'hex') from ${events}
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
