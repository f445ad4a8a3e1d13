// A thread of its own that serves recorders: each request is answered by a result or an error.
import { parentPort, workerData } from 'node:worker_threads';
import { openStorage, type Persistence, type RecorderOptions } from '../../../src/storage/storage.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';

export type Request = { id: number } & (
  | { open: RecorderOptions; persistence: Persistence }
  | { recorder: number; method: keyof Recorder; args: unknown[] }
);
export type Answer = { id: number } & ({ result: unknown } | { error: Record<string, unknown> });

const recorders: Recorder[] = [];

async function answer(request: Request): Promise<unknown> {
  if ('open' in request) {
    const storage = await openStorage(request.persistence);
    return recorders.push(await storage.openRecorder(request.open)) - 1;
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
