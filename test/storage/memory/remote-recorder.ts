import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Recorder } from '../../../src/storage/recorder.ts';
import type {
  RecorderOptions,
  StorageDescription,
  SubjectKeysOptions,
} from '../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../src/storage/subject-keys.ts';
import type { Answer, Request } from './recorder-thread.ts';

type Settled = PromiseWithResolvers<unknown>;
type Unnumbered<T> = T extends { id: number } ? Omit<T, 'id'> : never;

/** Opens recorders in another thread and calls them there. */
export class RecorderThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Settled>();
  #lastId = 0;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: Answer) => {
      const { resolve, reject } = this.#asked.get(answer.id)!;
      this.#asked.delete(answer.id);
      if ('result' in answer) resolve(answer.result);
      else reject(Object.assign(new Error(), answer.error));
    });
  }

  static async start(): Promise<RecorderThread> {
    const worker = new Worker(new URL('./recorder-thread.ts', import.meta.url), { workerData: 'ready' });
    await once(worker, 'message');
    worker.unref();
    return new RecorderThread(worker);
  }

  async open(storage: StorageDescription, open: RecorderOptions): Promise<Recorder> {
    const call = this.#callsOf<Recorder>((await this.#ask({ open, storage })) as number);
    return {
      record: call('record'),
      histories: call('histories'),
      locate: call('locate'),
      notifications: call('notifications'),
      causes: call('causes'),
      head: call('head'),
      position: call('position'),
      logs: call('logs'),
      positions: call('positions'),
      recordHandledTypes: call('recordHandledTypes'),
      operations: call('operations'),
      command: call('command'),
      deleteCommands: call('deleteCommands'),
      parked: call('parked'),
      countParked: call('countParked'),
      recordSnapshots: call('recordSnapshots'),
      close: call('close'),
    };
  }

  async openSubjectKeys(storage: StorageDescription, openKeys: SubjectKeysOptions): Promise<SubjectKeyTable> {
    const call = this.#callsOf<SubjectKeyTable>((await this.#ask({ openKeys, storage })) as number);
    return {
      add: call('add'),
      read: call('read'),
      delete: call('delete'),
      deleted: call('deleted'),
      close: call('close'),
    };
  }

  #callsOf<T>(target: number): (method: keyof T & string) => (...args: unknown[]) => Promise<never> {
    return (method) =>
      (...args) =>
        this.#ask({ target, method, args }) as Promise<never>;
  }

  #ask(request: Unnumbered<Request>): Promise<unknown> {
    this.#lastId += 1;
    const settled = Promise.withResolvers<unknown>();
    this.#asked.set(this.#lastId, settled);
    this.#worker.postMessage({ ...request, id: this.#lastId });
    return settled.promise;
  }
}
