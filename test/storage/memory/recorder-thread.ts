// Thread that serves recorders and tables of keys: it answers each request with a result or an error.
import { parentPort, workerData } from 'node:worker_threads';
import {
  openStorage,
  type RecorderOptions,
  type StorageDescription,
  type SubjectKeysOptions,
} from '../../../src/storage/storage.ts';

export type Request = { id: number } & (
  | { open: RecorderOptions; storage: StorageDescription }
  | { openKeys: SubjectKeysOptions; storage: StorageDescription }
  | { target: number; method: string; args: unknown[] }
);
export type Answer = { id: number } & ({ result: unknown } | { error: Record<string, unknown> });

/** Opened recorders and tables of keys. */
const targets: object[] = [];

async function answer(request: Request): Promise<unknown> {
  if ('open' in request) {
    const openedStorage = await openStorage(request.storage);
    return targets.push(await openedStorage.openRecorder(request.open)) - 1;
  }
  if ('openKeys' in request) {
    const openedStorage = await openStorage(request.storage);
    return targets.push(await openedStorage.openSubjectKeys!(request.openKeys)) - 1;
  }
  const target = targets[request.target] as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return target[request.method]!(...request.args);
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
