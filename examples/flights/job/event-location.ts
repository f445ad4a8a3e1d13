import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { InputError, UsageError } from './errors.ts';

/** The storage that the command line names. */
export interface EventLocation {
  readonly storage: StorageDescription;
  /** Description in sentences. */
  readonly name: string;
  /** Command line option that selects another location. */
  readonly option: string;
  /** Creates the directory that must exist before the storage is opened. */
  prepare(): Promise<void>;
}

/** A file in a directory, which is created if it is missing. */
export function inDirectory(directory: string): EventLocation {
  return {
    storage: sqlite({ file: join(directory, 'flights.db') }),
    name: `directory ${directory}`,
    option: '--directory',
    async prepare() {
      try {
        await mkdir(directory, { recursive: true });
      } catch (error) {
        throw new InputError(`Directory ${directory} cannot be created: ${(error as Error).message}.`);
      }
    },
  };
}

/** Tables in a schema of a database, named after the dataset. Throws {@link UsageError}. */
export function inDatabase(connectionString: string, dataset: string): EventLocation {
  const schema = dataset
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .replace(/^(?![a-z_])|^(?=pg_)/, '_')
    .slice(0, 63);
  try {
    return {
      storage: postgres({ connectionString, schema }),
      name: `schema ${schema} of the database`,
      option: '--postgres',
      async prepare() {},
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
