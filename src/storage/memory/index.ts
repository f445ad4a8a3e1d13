import { newId } from '../../util/ids.ts';
import { InvalidStorageError } from '../errors.ts';
import type { OpenedStorage, StorageDescription } from '../storage.ts';
import { MemoryRecorder } from './recorder.ts';
import { addStore, findStore, type Journals, keepStore } from './store.ts';

/**
 * Storage on the heap of this thread, empty and distinct at each call; opening one description twice shares
 * the data. It is freed with the description, once nothing has it open. A runner with threads shares it with
 * them; those that record in it or load aggregates keep a copy.
 */
export function memory(): StorageDescription {
  const options = { id: newId() };
  keepStore(options, addStore(options.id, true));
  return { module: import.meta.url, options };
}

/**
 * Opens the memory that a description stands for. Its `openRecorder` throws StorageError STORAGE_MISSING if
 * the description comes from another thread or process and was not made for threads, STORAGE_NOT_SET_UP if
 * there is nothing and nothing may be created.
 */
export async function openStorage(options: StorageDescription['options']): Promise<OpenedStorage> {
  const id = String(options.id);
  const store = findStore(id) ?? addStore(id, false);
  const journals = journalsIn(options);
  return {
    openRecorder: async ({ applicationName, setupTables }) =>
      new MemoryRecorder(store.open(applicationName, setupTables, journals)),
    threadEnded: (threadId) => store.threadEnded(threadId),
    async close() {},
  };
}

/**
 * Shares all applications opened so far with other threads, for good, and returns the options by which they
 * open them. Throws StorageError STORAGE_FULL if there is no room for what they have recorded.
 */
export function forThreads(options: StorageDescription['options']): StorageDescription['options'] {
  const store = findStore(String(options.id));
  const given = journalsIn(options);
  if (!store?.isHome && Object.keys(given).length === 0) {
    throw new InvalidStorageError(
      'This memory() cannot be shared with threads: it was made in another thread or process, or its description ' +
        'has been garbage-collected. Share it where it was made.',
    );
  }
  const shared = { ...options, journals: { ...given, ...store?.share() } };
  if (store !== undefined) keepStore(shared, store);
  return shared;
}

/** Throws InvalidStorageError: nothing of it can be reached from another process. */
export function forProcesses(): never {
  throw new InvalidStorageError(
    'memory() is on the heap of this process, where no other process can reach it: use storage that processes share, ' +
      'sqlite({ directory }) on one machine or postgres({ connectionString }) on any number of them.',
  );
}

function journalsIn({ journals }: StorageDescription['options']): Journals {
  return typeof journals === 'object' && !(journals instanceof SharedArrayBuffer) ? journals : {};
}
