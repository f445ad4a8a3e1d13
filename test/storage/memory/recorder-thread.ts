// Thread that serves recorders: it answers each request with a result or an error.
import { parentPort, workerData } from 'node:worker_threads';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage, type RecorderOptions, type StorageDescription } from '../../../src/storage/storage.ts';

export type Request = { id: number } & (
  | { open: RecorderOptions; storage: StorageDescription }
  | { recorder: number; method: keyof Recorder; args: unknown[] }
);
export type Answer = { id: number } & ({ result: unknown } | { error: Record<string, unknown> });

const recorders: Recorder[] = [];

async function answer(request: Request): Promise<unknown> {
  if ('open' in request) {
    const openedStorage = await openStorage(request.storage);
    return recorders.push(await openedStorage.openRecorder(request.open)) - 1;
  }
  const recorder = recorders[request.recorder]!;
  return (recorder[request.method] as (...args: unknown[]) => Promise<unknown>)(...request.args);
}

parentPort?.on('message', (request: Request) => {
  const { id } = request;
  answer(request).then(
    (result) => parentPort?.postMessage({ id, result } satisfies Answer),
    (error: Error) => {
      const { name, message } = error;
      parentPort?.postMessage({ id, error: { ...error, name, message } } satisfies Answer);
    },
  );
});
parentPort?.postMessage(workerData);
