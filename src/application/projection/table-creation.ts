import { KahnError, messageOf } from '../../util/errors.ts';
import { operationOf } from '../control/operation-kinds.ts';
import { InvalidApplicationError } from '../errors.ts';
import { hasTable } from './database-handle.ts';
import { SchemaChangedError, TableNotCreatedError } from './errors.ts';
import type { OpenSchema, SchemaLife } from './open-schema.ts';
import type { CreateContext } from './projection-context.ts';
import { byKahn, underLock } from './schema-lock.ts';

/** Creates the tables of a schema: `create()` of a projection. */
export type CreateTables = (context: CreateContext) => unknown;

/**
 * Creates the tables of a schema, and records that in the same transaction.
 *
 * @throws {@link SchemaChangedError} if another host has just created other tables.
 */
export async function createTables(schema: OpenSchema, create: CreateTables): Promise<void> {
  const { tables } = schema.declaration;
  await underLock(schema.recorders.own, async ({ handle }) => {
    const life = await schema.life();
    if (life.isCreated) {
      assertSameTables(schema, life);
      return undefined;
    }
    await callCreate(schema, create, handle);
    for (const table of tables) {
      const name = schema.names.physicalName(table, schema.schema);
      if (!(await hasTable(handle, name, schema.rows.namespace)))
        throw new TableNotCreatedError(schema.applicationName, schema.schema, table);
    }
    const details = { schema: schema.schema, tables };
    return operationOf('create-schema', byKahn('the tables were missing'), details);
  });
}

/** @throws {@link SchemaChangedError} if a projection names other tables than those that its schema was created with. */
export function assertSameTables(
  { declaration, applicationName, schema }: OpenSchema,
  life: SchemaLife,
): void {
  const { tables } = declaration;
  const changes = [
    ...life.tables.filter((table) => !tables.includes(table)).map((table) => `'${table}' is missing`),
    ...tables.filter((table) => !life.tables.includes(table)).map((table) => `'${table}' is new`),
  ];
  if (changes.length > 0) throw new SchemaChangedError(applicationName, schema, changes);
}

async function callCreate(
  { names, tables, applicationName, schema }: OpenSchema,
  create: CreateTables,
  db: unknown,
): Promise<void> {
  try {
    await create({ db, tables, nameOf: (name) => names.object(name, schema) });
  } catch (error) {
    if (error instanceof KahnError) throw error;
    throw new InvalidApplicationError(
      `create() of projection '${applicationName}' failed for schema ${schema}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
