// Storage of an author who does not know of rows.
import { memory } from 'kahn';
import { ForwardingRecorder } from '../../../src/storage/layers/forwarding-recorder.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage as open } from '../../../src/storage/storage.ts';

export async function openStorage(): Promise<OpenedStorage> {
  const storage = await open(memory());
  return {
    ...storage,
    async openRecorder(options) {
      const recorder = new ForwardingRecorder(await storage.openRecorder(options));
      return Object.assign(recorder, { rows: undefined }) as unknown as Recorder;
    },
  };
}
