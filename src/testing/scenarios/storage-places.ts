import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from '../../storage/memory/index.ts';
import { sqlite } from '../../storage/sqlite/index.ts';
import type { StorageDescription } from '../../storage/storage.ts';

/** An empty storage for one run. Removed when it is disposed of. */
export interface StoragePlace extends AsyncDisposable {
  readonly storage: StorageDescription;
}

/** Makes an empty storage. */
export type MakePlace = () => Promise<StoragePlace>;

/** Functions that return empty storage, by the names of the storages. */
export type StorageChoice = Readonly<Record<string, () => StorageDescription | Promise<StorageDescription>>>;

/** Storages that need no server. */
export const localPlaces: Readonly<Record<string, MakePlace>> = {
  memory: async () => ({ storage: memory(), async [Symbol.asyncDispose]() {} }),
  SQLite: sqlitePlace,
};

async function sqlitePlace(): Promise<StoragePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'kahn-scenario-'));
  return {
    storage: sqlite({ file: join(directory, 'system.db'), synchronous: 'NORMAL' }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Returns the places that a user chose, whose storage the user removes. */
export function chosenPlaces(choice: StorageChoice): Readonly<Record<string, MakePlace>> {
  const places = Object.entries(choice).map(([name, create]) => {
    const make: MakePlace = async () => ({ storage: await create(), async [Symbol.asyncDispose]() {} });
    return [name, make] as const;
  });
  return Object.fromEntries(places);
}

/** Whether a value is an object of functions that make storages. */
export function isStorageChoice(value: unknown): value is StorageChoice {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length > 0 &&
    Object.values(value).every((create) => typeof create === 'function')
  );
}
