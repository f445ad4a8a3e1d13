import { newId } from '../../util/ids.ts';
import { StorageError } from '../errors.ts';
import type { Persistence, Storage } from '../persistence.ts';
import { ApplicationMemory } from './application-memory.ts';
import { MemoryRecorder } from './recorder.ts';

type Store = Map<string, ApplicationMemory>;

// A store lives as long as its description's options or whoever has it open: nothing here keeps it alive by itself.
const storeOf = new WeakMap<Persistence['options'], Store>();
const stores = new Map<string, WeakRef<Store>>();
const freed = new FinalizationRegistry<string>((id) => stores.delete(id));

/**
 * Storage on the heap of this thread, empty and distinct at each call; opening one description twice shares
 * the data. It is freed with the description, once nothing has it open.
 */
export function memory(): Persistence {
  const id = newId();
  const store: Store = new Map();
  const options = { id };
  stores.set(id, new WeakRef(store));
  storeOf.set(options, store);
  freed.register(store, id);
  return { module: import.meta.url, options };
}

/**
 * Opens the memory that a description stands for. Its `openRecorder` throws {@link StorageError}
 * STORAGE_MISSING if the description comes from another thread or process, STORAGE_NOT_SET_UP if there is
 * nothing and nothing may be created.
 */
export async function openStorage(options: Persistence['options']): Promise<Storage> {
  const store = stores.get(String(options.id))?.deref();
  return {
    async openRecorder({ applicationName, setupTables }) {
      if (store === undefined) throw elsewhere(applicationName);
      let application = store.get(applicationName);
      if (application === undefined) {
        if (!setupTables) throw notSetUp(applicationName);
        application = new ApplicationMemory(applicationName);
        store.set(applicationName, application);
      }
      return new MemoryRecorder(application);
    },
    async close() {},
  };
}

function elsewhere(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_MISSING',
    applicationName,
    `Application '${applicationName}' cannot open this memory(): it was made in another thread or process, or its ` +
      'description has been garbage-collected, and memory does not cross threads. Use storage that does, such as ' +
      'sqlite({ directory }), or a runner that stays on one thread.',
  );
}

function notSetUp(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_NOT_SET_UP',
    applicationName,
    `Application '${applicationName}' has nothing in this memory() yet: open it with setupTables: true first.`,
  );
}
