import { type SafeNameRules, safeName } from '../../util/safe-name.ts';
import type { StorageLocation } from '../storage-location.ts';

/** The tables of one application, by names that are ready for SQL. */
export interface ApplicationTables extends StorageLocation {
  /** Name of the schema, not quoted. */
  readonly schema: string;
  readonly events: string;
  readonly logs: string;
  readonly positions: string;
  readonly snapshots: string;
  readonly operations: string;
  readonly commands: string;
  readonly parked: string;
}

/** Tables that are created and upgraded together: those of one application, or the one that all applications share. */
export interface TableSet extends StorageLocation {
  /** Name of the schema, not quoted. */
  readonly schema: string;
  /** Version that this release reads and writes. */
  readonly version: number;
  /** SQL that creates the tables. */
  readonly created: readonly string[];
  /** SQL of each upgrade, from version 1. */
  readonly upgrades: readonly (readonly string[])[];
}

// PostgreSQL allows 63 bytes, and a word such as `_snapshots` follows.
const tablePrefixes: SafeNameRules = {
  allowed: /[a-z0-9_]/,
  escapeWith: '$',
  longest: 48,
  kept: 24,
  cut: '$$',
};

/**
 * Returns the tables of an application. Different application names have different tables.
 *
 * @param server Name of the database and its server, without a secret.
 */
export function tablesOf(schema: string, applicationName: string, server: string): ApplicationTables {
  const prefix = safeName(applicationName, tablePrefixes);
  const table = (suffix: string) => `${quoted(schema)}.${quoted(`${prefix}_${suffix}`)}`;
  return {
    applicationName,
    location: locationOf(schema, server),
    schema,
    events: table('events'),
    logs: table('logs'),
    positions: table('positions'),
    snapshots: table('snapshots'),
    operations: table('operations'),
    commands: table('commands'),
    parked: table('parked'),
  };
}

/** Returns a schema as error messages name it. */
export function locationOf(schema: string, server: string): string {
  return `schema '${schema}' of ${server}`;
}

/** Returns the NOTIFY channel for the logs of a schema. */
export function channelOf(schema: string): string {
  return `kahn ${schema}`.slice(0, 63);
}

/** Quotes an identifier for SQL. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
