import assert from 'node:assert/strict';
import type { OpenedStorage, Recorder, RowsKind, SubjectKeyTable } from '../../storage/index.ts';

/** How the tests use the handles by which a storage records rows. */
export interface TestedRows {
  /** Kind of the handles. */
  readonly kind: RowsKind;
  /** Name of a table that does not exist yet in the storage, ready for SQL. */
  readonly table: string;
  /** Executes SQL with a handle. Resolves with rows as arrays. */
  run(handle: unknown, text: string): Promise<readonly (readonly unknown[])[]>;
}

/** Defines one test on empty storage. */
export type Test = (name: string, body: (storage: TestedStorage) => Promise<void>) => void;

/** An opened storage. Closes it after a test, with everything that the test opened. */
export class TestedStorage implements AsyncDisposable {
  readonly #storage: OpenedStorage;
  readonly #opened: (Recorder | SubjectKeyTable)[] = [];

  /** How handles of the storage are used; undefined if it records no rows. */
  readonly rows: TestedRows | undefined;

  constructor(storage: OpenedStorage, rows?: TestedRows) {
    this.#storage = storage;
    this.rows = rows;
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
