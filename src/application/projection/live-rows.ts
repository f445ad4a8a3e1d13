import type { RecordedRows, Recorder } from '../../storage/recorder.ts';
import type { OpenedStorage } from '../../storage/storage.ts';
import type { OpenSchema } from './open-schema.ts';
import { schemaNameOf } from './projection-declaration.ts';
import type { ProjectionTables } from './table-names.ts';

/** Rows of a schema, to be read. */
export interface ReadableRows {
  readonly rows: RecordedRows;
  readonly tables: ProjectionTables;
  readonly schema: number;
}

/** Finds the rows that a program reads: those of its own schema once that was live, and of the live schema before. */
export class LiveRows {
  readonly #schema: OpenSchema;
  readonly #openedStorage: OpenedStorage;
  readonly #recorders = new Map<number, Promise<Recorder>>();

  constructor(schema: OpenSchema, openedStorage: OpenedStorage) {
    this.#schema = schema;
    this.#openedStorage = openedStorage;
  }

  async find(): Promise<ReadableRows> {
    const { history, rows, tables, schema, names } = this.#schema;
    if (this.#schema.isBuilding) await history.refresh();
    const { live } = history;
    if (!this.#schema.isBuilding || live === undefined) return { rows, tables, schema };
    const recorder = await this.recorderOf(live.schema);
    return {
      rows: recorder.rows?.(this.#schema.declaration.rows) ?? rows,
      tables: names.tablesOf(live.tables, live.schema),
      schema: live.schema,
    };
  }

  async close(): Promise<void> {
    for (const opening of this.#recorders.values()) await opening.then((recorder) => recorder.close());
  }

  /** Opens the recorder of another schema: each has a file of its own in some storages. */
  recorderOf(schema: number): Promise<Recorder> {
    const known = this.#recorders.get(schema);
    if (known !== undefined) return known;
    const applicationName = schemaNameOf(this.#schema.applicationName, schema);
    const opening = this.#openedStorage.openRecorder({ applicationName, setupTables: false });
    this.#recorders.set(schema, opening);
    opening.catch(() => this.#recorders.delete(schema));
    return opening;
  }
}
