import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';
import { detailsOf } from '../control/operation-kinds.ts';
import { OperationReader } from '../control/operation-reader.ts';

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
  readonly #reader: OperationReader;
  #switches: readonly SchemaSwitch[] = [];
  readonly #dropped = new Set<number>();

  constructor(recorder: Recorder) {
    this.#reader = new OperationReader(recorder, {
      apply: (operation) => this.#apply(operation),
      restored: () => {
        this.#switches = [];
        this.#dropped.clear();
      },
    });
  }

  /** Reads the operations that were recorded since the last call, or all of them if an older copy was restored. */
  refresh(): Promise<void> {
    return this.#reader.read();
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

  #apply(operation: RecordedOperation): void {
    const live = detailsOf(operation, 'switch-schema');
    if (live !== undefined) {
      const { schema, tables } = live;
      this.#switches = [...this.#switches, { timestamp: operation.timestamp, schema, tables }];
    }
    const dropped = detailsOf(operation, 'drop-schema');
    if (dropped !== undefined) this.#dropped.add(dropped.schema);
  }
}
