import { quoted } from './identifiers.ts';
import type { ApplicationTables } from './tables.ts';

/**
 * What has changed the tables since version 1: the first one leads from there to version 2, and so on. Tables of every
 * version are somewhere, so these stay as they are; whatever is changed is changed here and below.
 */
export const upgrades: readonly ((tables: ApplicationTables) => string)[] = [
  ({ events }) => `alter table ${events} add column if not exists dependencies text`,
];

/** The version of the tables below. */
export const schemaVersion: number = upgrades.length + 1;

/** Says which applications have tables in a schema, and of what version. */
export const applicationsTable = 'kahn_applications';

/** The name of that table, ready for SQL. */
export function applicationsIn(schema: string): string {
  return `${quoted(schema)}.${applicationsTable}`;
}

/** Makes the table of applications. */
export function createApplications(schema: string): string {
  return `
    create table ${applicationsIn(schema)} (
      application_name text collate "C" primary key,
      version integer not null
    )`;
}

/**
 * Makes the tables of one application. Wide columns come first, so that rows need no padding; names and ids are
 * compared by their bytes, which no other version of the server or its libraries orders differently.
 */
export function createTables({ events, logs, positions, snapshots }: ApplicationTables): readonly string[] {
  return [
    `create table ${events} (
      notification_id bigint not null,
      timestamp bigint not null, -- milliseconds since 1970
      commit_id bigint not null, -- random, the same for all that was recorded in one call
      pipeline_id integer not null,
      originator_version integer not null,
      originator_id text collate "C" not null,
      type text collate "C" not null,
      data text not null,
      dependencies text, -- [[pipeline_id, notification_id], ...]: what must be processed before it
      primary key (pipeline_id, notification_id),
      unique (originator_id, originator_version)
    )`,
    `create table ${logs} (
      head bigint not null, -- the newest notification id
      pipeline_id integer primary key
    )`,
    `create table ${positions} (
      position bigint not null,
      pipeline_id integer not null,
      upstream_name text collate "C" not null,
      primary key (pipeline_id, upstream_name)
    )`,
    `create table ${snapshots} (
      schema bigint not null,
      originator_version integer not null,
      originator_id text collate "C" not null,
      state text not null,
      primary key (originator_id, originator_version)
    )`,
  ];
}
