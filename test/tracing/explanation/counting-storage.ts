// Storage in memory that counts what recorders read, and what is open.
import { memory, type StorageDescription } from 'kahn';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage as openHome } from '../../../src/storage/storage.ts';

/** What all recorders have read. */
export const read = { calls: 0, rows: 0 };

/** Number of recorders and storages that are open. */
export const open = { recorders: 0, storages: 0 };

const home = memory();

/** The storage. All calls return the same one. */
export const countingStorage: StorageDescription = { module: import.meta.url, options: {} };

/** @public */
export async function openStorage(): Promise<OpenedStorage> {
  const opened = await openHome(home);
  open.storages += 1;
  return {
    ...opened,
    openRecorder: async (options) => {
      const recorder = await opened.openRecorder(options);
      open.recorders += 1;
      return counting(recorder);
    },
    async close() {
      open.storages -= 1;
    },
  };
}

function counting(recorder: Recorder): Recorder {
  const counted =
    <Args extends unknown[], Rows>(call: (...args: Args) => Promise<readonly Rows[]>) =>
    async (...args: Args): Promise<readonly Rows[]> => {
      const rows = await call(...args);
      read.calls += 1;
      read.rows += rows.length;
      return rows;
    };
  return {
    record: (...args) => recorder.record(...args),
    histories: (...args) => recorder.histories(...args),
    locate: (...args) => recorder.locate(...args),
    notifications: counted((...args) => recorder.notifications(...args)),
    causes: counted((...args) => recorder.causes(...args)),
    head: (...args) => recorder.head(...args),
    position: (...args) => recorder.position(...args),
    logs: counted(() => recorder.logs()),
    positions: counted(() => recorder.positions()),
    recordHandledTypes: (...args) => recorder.recordHandledTypes(...args),
    operations: (...args) => recorder.operations(...args),
    recordSnapshots: (...args) => recorder.recordSnapshots(...args),
    async close() {
      open.recorders -= 1;
    },
  };
}
