import type { Recorder } from '../../storage/recorder.ts';
import type { OpenedStorage } from '../../storage/storage.ts';

/** Defines one test on storage that is empty at first. */
export type Test = (name: string, body: (storage: TestedStorage) => Promise<void>) => void;

/** One storage and the recorders opened in a test, which are closed after it. */
export class TestedStorage implements AsyncDisposable {
  readonly #storage: OpenedStorage;
  readonly #recorders: Recorder[] = [];

  constructor(storage: OpenedStorage) {
    this.#storage = storage;
  }

  async open(applicationName = 'orders', setupTables = true): Promise<Recorder> {
    const recorder = await this.#storage.openRecorder({ applicationName, setupTables });
    this.#recorders.push(recorder);
    return recorder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const recorder of this.#recorders) await recorder.close();
    await this.#storage.close();
  }
}
