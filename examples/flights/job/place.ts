import { mkdir } from 'node:fs/promises';
import type { StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { InputError, UsageError } from './errors.ts';

/** Where the events are kept. */
export interface Place {
  readonly storage: StorageDescription;
  /** As it stands in sentences. */
  readonly name: string;
  /** The option that leads elsewhere. */
  readonly option: string;
  /** Makes what must be there before it is opened. */
  prepare(): Promise<void>;
}

/** Files in a directory, which is made if it is missing. */
export function inDirectory(directory: string): Place {
  return {
    storage: sqlite({ directory }),
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
export function inDatabase(connectionString: string, dataset: string): Place {
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
