import { recordedNameIn } from '../../storage/layers/forwarding-recorder.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { operationOf, type SchemaPosition } from '../control/operation-kinds.ts';
import { canShow, execute } from './database-handle.ts';
import { SchemaMissingError } from './errors.ts';
import { lifeOf, type OpenSchema } from './open-schema.ts';
import { byKahn, underLock } from './schema-lock.ts';
import { assertSameTables, type CreateTables, createTables } from './table-creation.ts';

/**
 * Creates the tables of a schema, unless that is done, and makes the first schema of a projection live. Several hosts may do
 * so at once.
 *
 * @param setupTables Whether missing tables are created.
 * @throws {@link SchemaMissingError} if tables are missing that may not be created.
 * @throws {@link SchemaChangedError} if the projection names other tables than those of its schema.
 */
export async function setUpSchema(
  schema: OpenSchema,
  create: CreateTables,
  setupTables: boolean,
): Promise<void> {
  const life = await schema.life();
  if (life.isCreated) assertSameTables(schema, life);
  else if (setupTables) await createTables(schema, create);
  else throw new SchemaMissingError(schema.applicationName, schema.schema);
  await schema.history.refresh();
  if (schema.history.live === undefined && setupTables) await makeLive(schema, 'the first schema');
}

/**
 * Makes a schema live, in one transaction with the views, unless it or a later one is. Resolves with whether it was made
 * live by this call.
 */
export async function makeLive(schema: OpenSchema, reason: string): Promise<boolean> {
  const { history, names, recorders, declaration } = schema;
  const { tables } = declaration;
  const positions = await positionsOf(recorders.own);
  return underLock(recorders.live, async ({ handle }) => {
    await history.refresh();
    const { live } = history;
    if (live !== undefined && live.schema >= schema.schema) return undefined;
    for (const table of new Set([...(live?.tables ?? []), ...tables]))
      await execute(handle, `drop view if exists ${names.view(table)}`);
    for (const table of tables) {
      if (!canShow(handle, names.physicalName(table, schema.schema))) continue;
      const view = `create view ${names.view(table)} as select * from ${names.table(table, schema.schema)}`;
      await execute(handle, view);
    }
    const details = { schema: schema.schema, from: live?.schema, tables, positions };
    return operationOf('switch-schema', byKahn(reason), details);
  }).finally(() => history.refresh());
}

/** Returns the positions of a schema, so that `verify()` can see whether it falls behind them. */
async function positionsOf(recorder: Recorder): Promise<readonly SchemaPosition[]> {
  const positions = await recorder.positions();
  return positions.map(({ pipelineId, upstreamName, position }) => ({
    pipelineId,
    upstreamName: recordedNameIn(recorder, upstreamName),
    position,
  }));
}

/** Drops the tables of another schema of a projection, unless that is done. Resolves with whether this call did it. */
export async function dropSchema(
  { names, declaration }: OpenSchema,
  recorder: Recorder,
  schema: number,
): Promise<boolean> {
  recorder.rows?.(declaration.rows);
  const reason = `schema ${declaration.schema} is live`;
  return underLock(recorder, async ({ handle }) => {
    const { isCreated, isDropped, tables } = await lifeOf(recorder);
    if (isDropped) return undefined;
    for (const table of isCreated ? tables : [])
      await execute(handle, `drop table if exists ${names.table(table, schema)}`);
    return operationOf('drop-schema', byKahn(reason), { schema, tables });
  });
}

/** Records in the history of a projection that a schema was dropped. */
export async function noteDropped({ recorders, declaration }: OpenSchema, schema: number): Promise<void> {
  const reason = `schema ${declaration.schema} is live`;
  const operation = operationOf('drop-schema', byKahn(reason), { schema });
  await recorders.live.record(0, [{ events: [], snapshots: [], operation }]);
}
