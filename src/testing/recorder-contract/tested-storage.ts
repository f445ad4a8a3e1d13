import type { OpenedStorage, Recorder } from '../../storage/index.ts';

/** Defines one test on empty storage. */
export type Test = (name: string, body: (storage: TestedStorage) => Promise<void>) => void;

/** An opened storage. Closes it after a test, with the recorders that the test opened. */
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

  applicationNames(): Promise<readonly string[]> {
    return this.#storage.applicationNames();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const recorder of this.#recorders) await recorder.close();
    await this.#storage.close();
  }
}
