import type { Recorder } from '../../storage/recorder.ts';
import { readOperations } from '../control/read-operations.ts';

/** Kinds of the operations of which the history of a projection consists. */
export const schemaOperations = {
  create: 'create-schema',
  switch: 'switch-schema',
  drop: 'drop-schema',
} as const;

/** Position of a schema in the log of an upstream. */
export interface SchemaPosition {
  readonly pipelineId: number;
  /** Name under which storage keeps the log of the upstream. */
  readonly upstreamName: string;
  readonly position: number;
}

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
      for (const { id, kind, timestamp, details } of page) {
        if (id <= this.#seen) continue; // another call has read it too
        this.#seen = id;
        const { schema, tables } = JSON.parse(details) as SchemaSwitch;
        if (kind === schemaOperations.switch) this.#switches.push({ timestamp, schema, tables });
        if (kind === schemaOperations.drop) this.#dropped.add(schema);
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
