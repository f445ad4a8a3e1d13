import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { OpenedStorage } from '../../storage/storage.ts';
import { LiveRows } from './live-rows.ts';
import { OpenSchema } from './open-schema.ts';
import type { ProjectionDeclaration } from './projection-declaration.ts';
import { setUpSchema } from './schema-setup.ts';
import type { CreateTables } from './table-creation.ts';

/** Name under which storage keeps the switches between the schemas of a projection. */
export function liveNameOf(applicationName: string): string {
  return `${applicationName}@live`;
}

/** Recorder of a projection, with its schema. Closing it closes all recorders of the projection. */
export class SchemaRecorder extends ForwardingRecorder {
  readonly schema: OpenSchema;
  readonly liveRows: LiveRows;

  constructor(schema: OpenSchema, openedStorage: OpenedStorage) {
    super(schema.recorders.own);
    this.schema = schema;
    this.liveRows = new LiveRows(schema, openedStorage);
  }

  override async close(): Promise<void> {
    await this.liveRows.close();
    await this.schema.recorders.live.close();
    await super.close();
  }
}

/** Returns the schema of a projection by its recorder; undefined for the recorder of another application. */
export function schemaIn(recorder: Recorder): OpenSchema | undefined {
  return recorder instanceof SchemaRecorder ? recorder.schema : undefined;
}

/** Opening of a schema. */
export interface SchemaOpening {
  readonly openedStorage: OpenedStorage;
  readonly setupTables: boolean;
  readonly create: CreateTables;
}

/** Opens the schema of a projection, and creates its tables if they are missing. `own` is closed if that fails. */
export async function openSchema(
  declaration: ProjectionDeclaration,
  own: Recorder,
  { openedStorage, setupTables, create }: SchemaOpening,
): Promise<SchemaRecorder> {
  await using opened = new AsyncDisposableStack();
  opened.defer(() => own.close());
  const applicationName = liveNameOf(declaration.applicationName);
  const live = await openedStorage.openRecorder({ applicationName, setupTables });
  opened.defer(() => live.close());
  const schema = new OpenSchema(declaration, { own, live });
  await setUpSchema(schema, create, setupTables);
  opened.move();
  return new SchemaRecorder(schema, openedStorage);
}
