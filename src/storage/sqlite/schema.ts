/** Marks our files: `kahn` in ASCII. */
export const applicationId = 0x6b61686e;

/**
 * What has changed the tables since version 1: the first one leads from there to version 2, and so on. Files of every
 * version are somewhere, so these stay as they are; whatever is changed is changed here and below.
 */
export const upgrades: readonly string[] = ['alter table events add column dependencies text'];

/** The version of the tables below. */
export const schemaVersion: number = upgrades.length + 1;

/**
 * Makes the tables of one application and marks the file as ours. Events keep SQLite's own row order, that
 * of commits: measured against rows stored in the order of their key, that is faster to write and to read,
 * and the more so the bigger the data.
 */
export const createTables: string = `
  create table events (
    pipeline_id integer not null,
    notification_id integer not null,
    originator_id text not null,
    originator_version integer not null,
    type text not null,
    data text not null,
    timestamp integer not null, -- milliseconds since 1970
    dependencies text, -- [[pipeline_id, notification_id], ...]: what must be processed before it
    primary key (pipeline_id, notification_id),
    unique (originator_id, originator_version)
  ) strict;
  create table positions (
    pipeline_id integer not null,
    upstream_name text not null,
    position integer not null,
    primary key (pipeline_id, upstream_name)
  ) strict, without rowid;
  create table snapshots (
    originator_id text not null,
    originator_version integer not null,
    schema integer not null,
    state text not null,
    primary key (originator_id, originator_version)
  ) strict;
  pragma application_id = ${applicationId};
  pragma user_version = ${schemaVersion};
`;
