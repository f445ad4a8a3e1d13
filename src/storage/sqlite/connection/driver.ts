import '../../../util/environment/node-version.ts';
import type * as Driver from 'node:sqlite';

export type DatabaseSync = Driver.DatabaseSync;

/** The module is not imported: Node before 22.5 lacks it, and could not report its version. */
const driver = process.getBuiltinModule('node:sqlite');

export const DatabaseSync: typeof Driver.DatabaseSync = driver.DatabaseSync;

export const backupDatabase: typeof Driver.backup = driver.backup;

export const sqliteConstants: typeof Driver.constants = driver.constants;
