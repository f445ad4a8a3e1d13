import type { OpenedStorage, StorageOptions } from 'kahn/storage';
import * as memory from '../../../src/storage/memory/storage.ts';

/** The listeners of this thread. */
export const listening = {
  /** Number of open listeners. */
  open: 0,
  /** Runs before a listener opens. */
  begin: async (): Promise<void> => {},
};

/** Memory whose listeners open late. */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  return {
    ...(await memory.openStorage(options)),
    async listen() {
      await listening.begin();
      listening.open += 1;
      return {
        async [Symbol.asyncDispose]() {
          listening.open -= 1;
        },
      };
    },
  };
}
