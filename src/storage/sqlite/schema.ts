import type { DatabaseSync } from 'node:sqlite';
import type { TableNames } from './layout/file.ts';

/**
 * SQL of each upgrade of the tables of one application: the first upgrade leads from version 1 to version 2. Databases of
 * every version are in use, so never edit a released step: append a new one, and change the tables below. The file of a
 * system begins at version 4.
 */
const upgrades: readonly ((tables: TableNames) => string)[] = [
  ({ events }) => `alter table ${events} add column dependencies text`,
  ({ events }) => `
  alter table ${events} add column cause_name text;
  alter table ${events} add column cause_pipeline_id integer;
  alter table ${events} add column cause_id integer;
  alter table ${events} add column correlation_id blob;
  alter table ${events} add column metadata text;
  create table applications (application_name text primary key) strict, without rowid;
  `,
  ({ positions, operations }) => `
  alter table ${positions} add column mark text;
  alter table ${positions} add column handled_types text;
  alter table ${positions} add column types_version integer not null default 0;
  create table ${operations} (
    id integer primary key,
    timestamp integer not null,
    kind text not null,
    done_by text not null,
    reason text not null,
    details text not null
  ) strict;
  `,
  ({ commands, expiry }) => `
  create table ${commands} (
    key text primary key,
    timestamp integer not null,
    fingerprint text not null,
    outcome text not null
  ) strict;
  create index ${expiry} on ${commands} (timestamp);
  `,
  ({ parked, due }) => `
  create table ${parked} (
    id integer primary key autoincrement,
    revision integer not null,
    pipeline_id integer not null,
    upstream_name text not null,
    notification_id integer not null,
    originator_id text not null,
    is_due integer not null,
    attempts integer not null,
    since integer not null,
    reason text not null,
    unique (pipeline_id, upstream_name, notification_id)
  ) strict;
  create index ${due} on ${parked} (pipeline_id, is_due);
  `,
];

/** The version of the tables below. */
export const schemaVersion: number = upgrades.length + 1;

/** Creates the tables of one application, or upgrades those of version `found`, in a transaction. */
export function createOrUpgradeTables(
  database: DatabaseSync,
  tables: TableNames,
  found: number | undefined,
): void {
  if (found === undefined) database.exec(createTables(tables));
  else for (const step of upgrades.slice(found - 1)) database.exec(step(tables));
}

/**
 * Returns SQL that creates the tables of one application. Rows of events are stored in the order of
 * commits, which is faster to write and to read than the order of their key by measurement, and more so with more data.
 */
export function createTables(tables: TableNames): string {
  const { events, positions, snapshots, operations, commands, expiry, parked, due } = tables;
  return `
  create table ${events} (
    pipeline_id integer not null,
    notification_id integer not null, -- counts from 1; from -1 down for events without a place in the log
    originator_id text not null,
    originator_version integer not null,
    type text not null,
    data text not null,
    timestamp integer not null, -- milliseconds since 1970
    dependencies text, -- [[pipeline_id, notification_id], ...]: notifications to be processed before this one
    cause_name text, -- application in whose log the cause is; null for events of commands
    cause_pipeline_id integer, -- null if the cause is in the pipeline of the event
    cause_id integer, -- notification id of the cause
    correlation_id blob, -- the 16 bytes of a UUID, or 0xff and a text
    metadata text,
    primary key (pipeline_id, notification_id),
    unique (originator_id, originator_version)
  ) strict;
  create table ${positions} (
    pipeline_id integer not null,
    upstream_name text not null,
    position integer not null,
    mark text, -- of the notification that it names, which is at the position unless an earlier release has moved it
    handled_types text, -- ["Type", ...]: event types that the newest version of the application handles
    types_version integer not null default 0, -- number of times that handled_types was written
    primary key (pipeline_id, upstream_name)
  ) strict, without rowid;
  create table ${snapshots} (
    originator_id text not null,
    originator_version integer not null,
    schema integer not null,
    state text not null,
    primary key (originator_id, originator_version)
  ) strict;
  create table ${operations} (
    id integer primary key,
    timestamp integer not null, -- milliseconds since 1970
    kind text not null,
    done_by text not null,
    reason text not null,
    details text not null -- JSON
  ) strict;
  create table ${commands} (
    key text primary key, -- idempotency key
    timestamp integer not null, -- milliseconds since 1970
    fingerprint text not null,
    outcome text not null
  ) strict;
  create index ${expiry} on ${commands} (timestamp);
  create table ${parked} (
    id integer primary key autoincrement, -- counts in the order of parking; no number is used again
    revision integer not null, -- number of times that the notification was parked or changed
    pipeline_id integer not null,
    upstream_name text not null,
    notification_id integer not null,
    originator_id text not null,
    is_due integer not null, -- 1 if the application is to process it now, else 0
    attempts integer not null, -- number of tries that have failed
    since integer not null, -- milliseconds since 1970
    reason text not null, -- JSON
    unique (pipeline_id, upstream_name, notification_id)
  ) strict;
  create index ${due} on ${parked} (pipeline_id, is_due);
`;
}
