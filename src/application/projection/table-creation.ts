import { KahnError, messageOf } from '../../util/errors.ts';
import { operationOf } from '../control/operation-kinds.ts';
import { InvalidApplicationError } from '../errors.ts';
import { columnsOf, hasTable } from './database-handle.ts';
import { SchemaChangedError, TableNotCreatedError } from './errors.ts';
import type { OpenSchema } from './open-schema.ts';
import type { CreateContext } from './projection-context.ts';
import { byKahn, underLock } from './schema-lock.ts';

/** Creates the tables of a schema: `create()` of a projection. */
export type CreateTables = (context: CreateContext) => unknown;

/** Number of a schema that is never recorded: its tables are created to see their columns, and rolled back. */
const trialSchema = 0;

/** Creates the tables of a schema, unless that is done, and records that in the same transaction. */
export async function createTables(schema: OpenSchema, create: CreateTables): Promise<void> {
  const { tables } = schema.declaration;
  await underLock(schema.recorders.own, async ({ handle }) => {
    const { isCreated } = await schema.life();
    if (isCreated) return undefined;
    await callCreate(schema, create, handle, schema.schema);
    for (const table of tables) {
      const name = schema.names.physicalName(table, schema.schema);
      if (!(await hasTable(handle, name, schema.rows.namespace)))
        throw new TableNotCreatedError(schema.applicationName, schema.schema, table);
    }
    const details = { schema: schema.schema, tables };
    return operationOf('create-schema', byKahn('the tables were missing'), details);
  });
}

/**
 * Compares the tables of a schema with those that `create()` makes, in a transaction that is rolled back.
 *
 * @throws {@link SchemaChangedError} if they have other names, or columns of other names or types.
 */
export async function assertUnchanged(schema: OpenSchema, create: CreateTables): Promise<void> {
  const { declaration, names, rows, recorders } = schema;
  const { tables } = declaration;
  await underLock(recorders.own, async ({ handle }) => {
    const created = await schema.life();
    if (created.isDropped) return undefined;
    const changes = [
      ...created.tables.filter((table) => !tables.includes(table)).map((table) => `'${table}' is missing`),
      ...tables.filter((table) => !created.tables.includes(table)).map((table) => `'${table}' is new`),
    ];
    if (changes.length === 0) await callCreate(schema, create, handle, trialSchema);
    for (const table of changes.length === 0 ? tables : []) {
      const [before = '', now = ''] = await Promise.all(
        [schema.schema, trialSchema].map((number) =>
          columnsOf(handle, names.physicalName(table, number), rows.namespace),
        ),
      );
      if (before !== now) changes.push(`'${table}' has columns (${now}) instead of (${before})`);
    }
    if (changes.length > 0) throw new SchemaChangedError(schema.applicationName, schema.schema, changes);
    return undefined;
  });
}

async function callCreate(
  { names, declaration, applicationName, schema }: OpenSchema,
  create: CreateTables,
  db: unknown,
  number: number,
): Promise<void> {
  const tables = names.tablesOf(declaration.tables, number);
  try {
    await create({ db, tables, nameOf: (name) => names.object(name, number) });
  } catch (error) {
    if (error instanceof KahnError) throw error;
    throw new InvalidApplicationError(
      `create() of projection '${applicationName}' failed for schema ${schema}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
