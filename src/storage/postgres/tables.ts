import type { Site } from './errors.ts';
import { quoted, tablePrefix } from './identifiers.ts';

/** The tables of one application, in names ready for SQL but for the schema's. */
export interface ApplicationTables extends Site {
  readonly schema: string;
  readonly events: string;
  readonly logs: string;
  readonly positions: string;
  readonly snapshots: string;
}

/** Where an application keeps what it records. `server` says which server and database, without a secret. */
export function tablesOf(schema: string, applicationName: string, server: string): ApplicationTables {
  const prefix = tablePrefix(applicationName);
  const table = (what: string) => `${quoted(schema)}.${quoted(`${prefix}_${what}`)}`;
  return {
    applicationName,
    place: `schema '${schema}' of ${server}`,
    schema,
    events: table('events'),
    logs: table('logs'),
    positions: table('positions'),
    snapshots: table('snapshots'),
  };
}

/** The channel on which the logs of a schema say that they have grown. */
export function channelOf(schema: string): string {
  return `kahn ${schema}`.slice(0, 63);
}
