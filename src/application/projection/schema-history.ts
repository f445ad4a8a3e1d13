import type { Recorder } from '../../storage/recorder.ts';
import { detailsOf } from '../control/operation-kinds.ts';
import { readOperations } from '../control/read-operations.ts';

/** A switch of a projection to a schema. */
export interface SchemaSwitch {
  /** When the schema became live, in ms since 1970. */
  readonly timestamp: number;
  readonly schema: number;
  /** Names of its tables. */
  readonly tables: readonly string[];
}

/** Reads which schema of a projection is live, and which were before, from the operations of the projection. */
export class SchemaHistory {
  readonly #recorder: Recorder;
  readonly #switches: SchemaSwitch[] = [];
  readonly #dropped = new Set<number>();
  #seen = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** Reads the operations that were recorded since the last call. */
  async refresh(): Promise<void> {
    for await (const page of readOperations(this.#recorder, this.#seen))
      for (const operation of page) {
        const { id, timestamp } = operation;
        if (id <= this.#seen) continue; // another call has read it too
        this.#seen = id;
        const live = detailsOf(operation, 'switch-schema');
        if (live !== undefined) this.#switches.push({ timestamp, schema: live.schema, tables: live.tables });
        const dropped = detailsOf(operation, 'drop-schema');
        if (dropped !== undefined) this.#dropped.add(dropped.schema);
      }
  }

  /** The last switch; undefined before the first one. */
  get live(): SchemaSwitch | undefined {
    return this.#switches.at(-1);
  }

  /** Whether a schema is live or was live. */
  wasLive(schema: number): boolean {
    return this.#switches.some((one) => one.schema === schema);
  }

  /** Whether it is on record that a schema was dropped. */
  wasDropped(schema: number): boolean {
    return this.#dropped.has(schema);
  }
}
