import { type ApplicationTables, quoted, type TableSet } from './tables.ts';

/**
 * SQL of each upgrade: the first upgrade leads from version 1 to version 2. Databases of every version are in use, so
 * never edit a released step: append a new one, and change the tables below.
 */
export const upgrades: readonly ((tables: ApplicationTables) => string | readonly string[])[] = [
  ({ events }) => `alter table ${events} add column if not exists dependencies text`,
  ({ events }) => `alter table ${events}
    add column if not exists cause_name text collate "C",
    add column if not exists correlation_id bytea,
    add column if not exists cause_pipeline_id integer,
    add column if not exists cause_id bigint,
    add column if not exists metadata text`,
  (tables) => [
    `alter table ${tables.positions}
    add column if not exists types_version integer not null default 0,
    add column if not exists mark text collate "C",
    add column if not exists handled_types text`,
    operationsText(tables),
  ],
  (tables) => [
    `alter table ${tables.logs} add column if not exists unlisted bigint not null default 0`,
    ...commandsTexts(tables),
  ],
  parkedTexts,
];

/** The version of the tables below. */
export const schemaVersion: number = upgrades.length + 1;

/**
 * Table that lists the applications with tables in a schema, and the version of their tables. The empty name stands for
 * the table that they share.
 */
export const applicationsTable = 'kahn_applications';

/** Table with the keys of subjects of personal data. */
export const subjectsTable = 'kahn_subjects';

/** Returns the quoted name of the table of subjects. */
export function subjectsIn(schema: string): string {
  return `${quoted(schema)}.${subjectsTable}`;
}

/** Returns the quoted name of the table of applications. */
export function applicationsIn(schema: string): string {
  return `${quoted(schema)}.${applicationsTable}`;
}

/** Returns SQL that creates the table of applications. */
export function createApplications(schema: string): string {
  return `
    create table ${applicationsIn(schema)} (
      application_name text collate "C" primary key,
      version integer not null
    )`;
}

/**
 * Returns SQL that creates the tables of one application. Wide columns come first, so that rows need no padding. Names
 * and ids are compared by bytes, an order that does not change with the version of the server or its libraries.
 */
export function createTables(tables: ApplicationTables): readonly string[] {
  const { events, logs, positions, snapshots } = tables;
  return [
    `create table ${events} (
      notification_id bigint not null, -- from 1; from -1 downwards for events without a place in the log
      timestamp bigint not null, -- milliseconds since 1970
      commit_id bigint not null, -- random, the same for all events of one call
      pipeline_id integer not null,
      originator_version integer not null,
      cause_id bigint, -- notification id of the cause; null for events of commands
      cause_pipeline_id integer, -- pipeline of the cause; null if it is the same
      originator_id text collate "C" not null,
      type text collate "C" not null,
      data text not null,
      dependencies text, -- [[pipeline_id, notification_id], ...]: notifications to be processed before this one
      cause_name text collate "C", -- application of the cause
      correlation_id bytea, -- the 16 bytes of a UUID, or 0xff and text as UTF-8
      metadata text,
      primary key (pipeline_id, notification_id),
      unique (originator_id, originator_version)
    )`,
    `create table ${logs} (
      head bigint not null, -- the newest notification id
      unlisted bigint not null default 0, -- minus the number of events without a place in the log
      pipeline_id integer primary key
    )`,
    `create table ${positions} (
      position bigint not null,
      pipeline_id integer not null,
      types_version integer not null default 0, -- number of times that handled_types was written
      upstream_name text collate "C" not null,
      mark text collate "C", -- of the notification that it names, which is at the position unless an earlier release has moved it
      handled_types text, -- ["Type", ...]: event types that the newest version of the application handles
      primary key (pipeline_id, upstream_name)
    )`,
    `create table ${snapshots} (
      schema bigint not null,
      originator_version integer not null,
      originator_id text collate "C" not null,
      state text not null,
      primary key (originator_id, originator_version)
    )`,
    operationsText(tables),
    ...commandsTexts(tables),
    ...parkedTexts(tables),
  ];
}

function operationsText({ operations }: ApplicationTables): string {
  return `create table ${operations} (
      id bigint primary key,
      timestamp bigint not null, -- milliseconds since 1970
      commit_id bigint not null, -- random, the same for all operations of one call
      kind text not null,
      done_by text not null,
      reason text not null,
      details text not null -- JSON
    )`;
}

function commandsTexts({ commands }: ApplicationTables): readonly string[] {
  return [
    `create table ${commands} (
      timestamp bigint not null, -- milliseconds since 1970
      commit_id bigint not null, -- random, the same for all commands of one call
      key text collate "C" primary key,
      fingerprint text not null, -- of the contents of the command
      outcome text not null -- JSON
    )`,
    `create index on ${commands} (timestamp)`,
  ];
}

function parkedTexts({ parked }: ApplicationTables): readonly string[] {
  return [
    `create table ${parked} (
      id bigint generated always as identity, -- counts in the order of parking; no number is used again
      notification_id bigint not null,
      since bigint not null, -- milliseconds since 1970
      commit_id bigint not null, -- random, of the call that parked or changed it last
      revision integer not null, -- number of times that the notification was parked or changed
      pipeline_id integer not null,
      attempts integer not null, -- number of tries that have failed
      is_due boolean not null, -- whether the application is to process it now
      upstream_name text collate "C" not null,
      originator_id text collate "C" not null,
      reason text not null, -- JSON
      primary key (pipeline_id, upstream_name, notification_id)
    )`,
    `create unique index on ${parked} (pipeline_id, id)`,
    `create index on ${parked} (pipeline_id, is_due, id)`,
  ];
}

/** Returns the set-up of the tables of one application. */
export function applicationSet(tables: ApplicationTables): TableSet {
  return {
    ...tables,
    version: schemaVersion,
    created: createTables(tables),
    upgrades: upgrades.map((step) => [step(tables)].flat()),
  };
}

/** Returns the set-up of the table of subjects. Autovacuum removes each deleted key, however large the table is. */
export function subjectSet(schema: string, location: string): TableSet {
  const created = [
    `create table ${subjectsIn(schema)} (
      deletion bigint, -- number of the deletion of the key; null until it is deleted
      deleted_at bigint, -- milliseconds since 1970
      commit_id bigint, -- random, of the call that deleted the key
      subject text collate "C" primary key,
      key text -- null once it is deleted
    ) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)`,
    `create unique index on ${subjectsIn(schema)} (deletion) where deletion is not null`,
  ];
  return { applicationName: '', location, schema, version: 1, created, upgrades: [] };
}
