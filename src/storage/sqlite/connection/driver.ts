import '../../../util/environment/node-version.ts';
import type * as Driver from 'node:sqlite';

export type DatabaseSync = Driver.DatabaseSync;

/** The class of node:sqlite. It is not imported: Node before 22.5 lacks the module, and could not report its version. */
export const DatabaseSync: typeof Driver.DatabaseSync = process.getBuiltinModule('node:sqlite').DatabaseSync;
