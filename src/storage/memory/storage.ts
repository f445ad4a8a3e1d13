import { types } from 'node:util';
import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { InvalidStorageError } from '../errors.ts';
import type { OpenedStorage, StorageOptions } from '../storage.ts';
import { MemoryRecorder } from './recorder.ts';
import { MemorySubjectKeys } from './subject-keys.ts';
import { createMemory, findMemory, type Journals, keepMemory } from './system-memory.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string = siblingFile(import.meta.url, '../memory/storage')?.href ?? 'kahn/memory';

/**
 * Opens the storage that `memory()` described. Its `openRecorder` throws StorageError STORAGE_MISSING if the
 * description comes from another thread or process and was not converted for threads.
 */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  const id = String(options.id);
  const memory = findMemory(id) ?? createMemory(id, false);
  const journals = journalsIn(options);
  const subjects = subjectsIn(options);
  return {
    openRecorder: async ({ applicationName, setupTables }) =>
      new MemoryRecorder(memory.open(applicationName, setupTables, journals), memory.rows),
    openSubjectKeys: async () => new MemorySubjectKeys(memory.subjects(subjects)),
    applicationNames: async () => memory.applicationNames(journals),
    threadEnded: (threadId) => memory.threadEnded(threadId),
    async close() {},
  };
}

/**
 * Permanently shares the keys of subjects and all applications opened so far with other threads, and returns the options
 * for these threads.
 *
 * @throws {@link StorageError} STORAGE_FULL if shared memory has no room for the records of the applications.
 * @throws {@link InvalidStorageError} if the memory belongs to another thread.
 */
export function forThreads(options: StorageOptions): StorageOptions {
  const memory = findMemory(String(options.id));
  const given = journalsIn(options);
  if (!memory?.isHome && Object.keys(given).length === 0) {
    throw new InvalidStorageError(
      'This memory() cannot be shared with threads: it was created in another thread or process, or its description ' +
        'was garbage-collected. Share it where it was created.',
    );
  }
  const shared = {
    ...options,
    journals: { ...given, ...memory?.share() },
    subjects: memory?.isHome ? memory.subjects().shared : subjectsIn(options),
  };
  if (memory !== undefined) keepMemory(shared, memory);
  return shared;
}

/** Other processes cannot reach this heap. */
export const isProcessLocal = true;

function journalsIn({ journals }: StorageOptions): Journals {
  return typeof journals === 'object' && !(journals instanceof SharedArrayBuffer) ? journals : {};
}

function subjectsIn({ subjects }: StorageOptions): SharedArrayBuffer | undefined {
  return types.isSharedArrayBuffer(subjects) ? subjects : undefined;
}
