import { KahnError } from '../../util/errors.ts';

/** The tables of a schema of a projection were dropped, because a later schema is live. The projection stops. */
export class SchemaDroppedError extends KahnError {
  override readonly code = 'SCHEMA_DROPPED';
  declare readonly applicationName: string;
  declare readonly schema: number;

  constructor(applicationName: string, schema: number) {
    super(
      `Schema ${schema} of projection '${applicationName}' was dropped, because a later schema is live. Stop this version of ` +
        'the program. To return to its tables, give the projection a new, higher schema number.',
      { applicationName, schema },
    );
  }
}

/** A command was called on a projection, which records rows and no events. */
export class ProjectionCommandError extends KahnError {
  override readonly code = 'PROJECTION_COMMAND';
  declare readonly applicationName: string;

  constructor(applicationName: string, method: string) {
    super(
      `Projection '${applicationName}' refuses ${method}(): it records rows and no events. Save the aggregates in the ` +
        'application that emits their events.',
      { applicationName },
    );
  }
}

/** The storage has no tables of a schema of a projection, and may not create them. */
export class SchemaMissingError extends KahnError {
  override readonly code = 'SCHEMA_MISSING';
  declare readonly applicationName: string;
  declare readonly schema: number;

  constructor(applicationName: string, schema: number) {
    super(
      `Schema ${schema} of projection '${applicationName}' has no tables in this storage. Start a runner once with ` +
        '`setupTables: true`.',
      { applicationName, schema },
    );
  }
}

/** A projection names other tables than its schema on record, under the same number. */
export class SchemaChangedError extends KahnError {
  override readonly code = 'SCHEMA_CHANGED';
  declare readonly applicationName: string;
  declare readonly schema: number;
  /** What has changed, table by table. */
  declare readonly changes: readonly string[];

  constructor(applicationName: string, schema: number, changes: readonly string[]) {
    super(
      `The tables of projection '${applicationName}' have changed since schema ${schema} was created: ${changes.join('; ')}. ` +
        `Raise 'static readonly schema' above ${schema}, so that the tables are built again, or undo the change.`,
      { applicationName, schema, changes },
    );
  }
}

/** `create()` of a projection has not created one of its tables. Nothing of the schema is recorded. */
export class TableNotCreatedError extends KahnError {
  override readonly code = 'TABLE_NOT_CREATED';
  declare readonly applicationName: string;
  declare readonly schema: number;
  declare readonly table: string;

  constructor(applicationName: string, schema: number, table: string) {
    super(
      `create() of projection '${applicationName}' has not created the table '${table}' of schema ${schema}. Create it by the ` +
        `name \`tables.${table}\`, await every statement, or remove '${table}' from 'static readonly tables'.`,
      { applicationName, schema, table },
    );
  }
}
