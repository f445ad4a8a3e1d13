import assert from 'node:assert/strict';
import type { OpenedStorage, Recorder, SubjectKeyTable } from '../../storage/index.ts';

/** Defines one test on empty storage. */
export type Test = (name: string, body: (storage: TestedStorage) => Promise<void>) => void;

/** An opened storage. Closes it after a test, with everything that the test opened. */
export class TestedStorage implements AsyncDisposable {
  readonly #storage: OpenedStorage;
  readonly #opened: (Recorder | SubjectKeyTable)[] = [];

  constructor(storage: OpenedStorage) {
    this.#storage = storage;
  }

  async open(applicationName = 'orders', setupTables = true): Promise<Recorder> {
    const recorder = await this.#storage.openRecorder({ applicationName, setupTables });
    this.#opened.push(recorder);
    return recorder;
  }

  async openSubjectKeys(setupTables = true): Promise<SubjectKeyTable> {
    const keys = await this.#storage.openSubjectKeys?.({ setupTables });
    assert.ok(keys !== undefined);
    this.#opened.push(keys);
    return keys;
  }

  applicationNames(): Promise<readonly string[]> {
    return this.#storage.applicationNames();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#opened) await one.close();
    await this.#storage.close();
  }
}
