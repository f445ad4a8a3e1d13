// Storage in one memory() that opens every second recorder on another replica.
import { memory } from 'kahn';
import type { Recorder } from '../../../src/storage/recorder.ts';
import {
  type OpenedStorage,
  openStorage as open,
  type RecorderOptions,
  type StorageDescription,
  storageForThreads,
} from '../../../src/storage/storage.ts';
import { RecorderThread } from './remote-recorder.ts';

let started: Promise<RecorderThread> | undefined; // for all tests of a file

/** The thread with the other replica. */
export type Elsewhere = 'another store of this thread' | 'another thread';

/** One memory() in two replicas. */
export function spreadMemory(elsewhere: Elsewhere): StorageDescription {
  return { module: import.meta.url, options: { elsewhere } };
}

/** Returns the description with another id, so that this thread creates a replica as another thread would. */
export function asElsewhere({ module, options }: StorageDescription): StorageDescription {
  return { module, options: { ...structuredClone(options), id: `elsewhere than ${options.id}` } };
}

/** Storage of a new memory(). @public */
export async function openStorage({ elsewhere }: StorageDescription['options']): Promise<OpenedStorage> {
  const storage = memory();
  const home = await open(storage);
  if (elsewhere === 'another thread') started ??= RecorderThread.start();
  const thread = await started;
  const replicas: OpenedStorage[] = [];
  let count = 0;
  const openElsewhere = async (options: RecorderOptions): Promise<Recorder> => {
    const shared = await storageForThreads(storage);
    if (thread !== undefined) return thread.open(shared, options);
    const replica = await open(asElsewhere(shared));
    replicas.push(replica); // keeps the replica for the next recorder
    return replica.openRecorder(options);
  };
  return {
    async openRecorder(options) {
      const here = await home.openRecorder(options); // applications are set up only here
      count += 1;
      if (count % 2 === 0) return openElsewhere(options);
      await storageForThreads(storage);
      return here;
    },
    async openSubjectKeys(options) {
      count += 1;
      if (count % 2 === 1) return home.openSubjectKeys!(options);
      const shared = await storageForThreads(storage);
      if (thread !== undefined) return thread.openSubjectKeys(shared, options);
      const replica = await open(asElsewhere(shared));
      replicas.push(replica);
      return replica.openSubjectKeys!(options);
    },
    applicationNames: () => home.applicationNames(),
    async close() {
      await home.close();
    },
  };
}
