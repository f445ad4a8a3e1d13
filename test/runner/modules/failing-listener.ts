import type { OpenedStorage, StorageOptions } from 'kahn/storage';
import * as memory from '../../../src/storage/memory/storage.ts';

/** Number of open storages in this thread. */
export const storages = { open: 0 };

/** Memory whose listeners fail when they are closed. */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  storages.open += 1;
  return {
    ...(await memory.openStorage(options)),
    async listen() {
      return { [Symbol.asyncDispose]: () => Promise.reject(new Error('still listening')) };
    },
    async close() {
      storages.open -= 1;
    },
  };
}
