import type { Recorder, StoredOperation, WriteLock } from '../../storage/recorder.ts';

/** Does work under the write lock, and records the operation that it returns. Resolves with whether there is one. */
export async function underLock(
  recorder: Recorder,
  work: (lock: WriteLock) => Promise<StoredOperation | undefined>,
): Promise<boolean> {
  const lock = (await recorder.lock?.()) as WriteLock; // an OpenSchema has recorders with locks
  try {
    const operation = await work(lock);
    if (operation === undefined) return false;
    await lock.record(0, [{ events: [], snapshots: [], operation }]);
    return true;
  } finally {
    await lock.release();
  }
}

/** Returns the author and the reason that operations on schemas have on record. */
export function byKahn(reason: string): { readonly by: string; readonly reason: string } {
  return { by: 'kahn', reason };
}
