import { InvalidStorageError } from '../../storage/errors.ts';
import type { RecordedRows, Recorder } from '../../storage/recorder.ts';
import { detailsOf, isOperation } from '../control/operation-kinds.ts';
import { readOperations } from '../control/read-operations.ts';
import { BuildPace } from './build-pace.ts';
import { SchemaDroppedError } from './errors.ts';
import {
  defaultBuildShare,
  defaultDropAfterMs,
  type ProjectionDeclaration,
} from './projection-declaration.ts';
import { SchemaHistory } from './schema-history.ts';
import { type ProjectionTables, TableNames } from './table-names.ts';

/** Recorders of a projection. */
export interface SchemaRecorders {
  /** Recorder of the schema, with its position and its tables. */
  readonly own: Recorder;
  /** Recorder of the switches between schemas, with the views. */
  readonly live: Recorder;
}

/** One schema of a projection in open storage. */
export class OpenSchema {
  readonly declaration: ProjectionDeclaration;
  readonly applicationName: string;
  readonly schema: number;
  readonly recorders: SchemaRecorders;
  readonly rows: RecordedRows;
  readonly names: TableNames;
  readonly tables: ProjectionTables;
  readonly history: SchemaHistory;
  /** Pace of the followers of the schema. */
  readonly pace: BuildPace;
  #isDropped = false;

  /** @throws {@link InvalidStorageError} if the storage cannot record rows of the kind that the projection declares. */
  constructor(declaration: ProjectionDeclaration, recorders: SchemaRecorders) {
    const { applicationName, schema, tables, buildShare = defaultBuildShare } = declaration;
    this.declaration = declaration;
    this.applicationName = applicationName;
    this.schema = schema;
    this.recorders = recorders;
    this.rows = preparedRows(declaration, recorders);
    this.names = new TableNames(applicationName, this.rows.namespace);
    this.tables = this.names.tablesOf(tables, schema);
    this.history = new SchemaHistory(recorders.live);
    this.pace = new BuildPace(this, buildShare);
  }

  /** Whether the schema was never live, as far as is known: it is being built. */
  get isBuilding(): boolean {
    return !this.history.wasLive(this.schema);
  }

  /** Time from the switch to this schema after which earlier ones are dropped, in ms. */
  get dropAfterMs(): number {
    return this.declaration.dropAfterMs ?? defaultDropAfterMs;
  }

  /** @throws {@link SchemaDroppedError} if it is known that the tables were dropped. */
  assertKept(): void {
    if (this.#isDropped) throw new SchemaDroppedError(this.applicationName, this.schema);
  }

  /** Returns the error to throw for an error of a statement: {@link SchemaDroppedError} if the tables were dropped. */
  async explained(error: unknown): Promise<unknown> {
    const { isDropped } = await this.life().catch(() => ({ isDropped: false })); // the error is the one to report
    return isDropped ? new SchemaDroppedError(this.applicationName, this.schema) : error;
  }

  /** Reads whether the tables were created and dropped, and which they are. */
  async life(): Promise<SchemaLife> {
    const life = await lifeOf(this.recorders.own);
    this.#isDropped = life.isDropped;
    return life;
  }
}

/** Whether the tables of a schema were created and dropped, and their names. */
export interface SchemaLife {
  readonly isCreated: boolean;
  readonly isDropped: boolean;
  readonly tables: readonly string[];
}

/** Reads from the operations of a schema whether its tables were created and dropped, and which they are. */
export async function lifeOf(recorder: Recorder): Promise<SchemaLife> {
  let isCreated = false;
  let isDropped = false;
  let tables: readonly string[] = [];
  for await (const page of readOperations(recorder))
    for (const operation of page) {
      const created = detailsOf(operation, 'create-schema');
      if (created !== undefined) {
        isCreated = true;
        tables = created.tables;
      }
      if (isOperation(operation, 'drop-schema')) isDropped = true;
    }
  return { isCreated, isDropped, tables };
}

function preparedRows({ name, rows }: ProjectionDeclaration, { own, live }: SchemaRecorders): RecordedRows {
  const prepared = own.rows?.(rows);
  live.rows?.(rows);
  if (prepared !== undefined && own.lock !== undefined && live.lock !== undefined) return prepared;
  throw new InvalidStorageError(
    `Projection ${name} cannot run on this storage, which records no rows: use memory(), sqlite({ file }) or ` +
      'postgres({ connectionString }).',
  );
}
