import { setTimeout as delay } from 'node:timers/promises';
import type { OpenedStorage, StorageOptions } from 'kahn/storage';
import * as memory from '../../../src/storage/memory/storage.ts';

export { forThreads } from '../../../src/storage/memory/storage.ts';

/** Numbers of listeners in this thread. */
export const listening = { asked: 0, begun: 0, open: 0 };

/** Memory on which it takes 300 ms to begin to listen. */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  return {
    ...(await memory.openStorage(options)),
    async listen() {
      listening.asked += 1;
      await delay(300);
      listening.begun += 1;
      listening.open += 1;
      return {
        async [Symbol.asyncDispose]() {
          listening.open -= 1;
        },
      };
    },
  };
}
