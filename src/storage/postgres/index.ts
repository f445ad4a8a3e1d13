import '../../util/environment/node-version.ts';
import { withHiddenSecrets } from '../hidden-secrets.ts';
import { describeStorage, type StorageDescription } from '../storage.ts';
import { idOfPool } from './connection/borrowed-pools.ts';
import type { DriverNotification, DriverQuery, PostgresClient, PostgresPool } from './driver-types.ts';
import { type PostgresOptions, type PostgresTls, postgresOptions, settingsOf } from './options.ts';
import * as module from './storage.ts';

export type { PostgresQuery, PostgresResult, PostgresRows } from './rows/postgres-rows.ts';
export { postgresRows } from './rows/postgres-rows.ts';
export type { DriverNotification, DriverQuery, PostgresClient, PostgresOptions, PostgresPool, PostgresTls };

/**
 * Describes storage in PostgreSQL, with six tables per application in one schema. Any number of processes on any
 * number of hosts can open it. Needs the driver: `npm install pg`.
 *
 * @throws {@link InvalidOptionError} if an option is unknown, its value does not fit, or it contradicts another option.
 * @example postgres({ connectionString: 'postgres://app:secret@db.example/app', schema: 'shop' })
 */
export function postgres(options: PostgresOptions = {}): StorageDescription {
  return describeStorage(module, withHiddenSecrets({ ...settingsOf(options, idOfPool) }, postgresOptions));
}
