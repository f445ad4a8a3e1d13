import { inspect } from 'node:util';
import type { RowsKind } from '../../storage/recorder.ts';
import { integer, ruleOf } from '../../util/option-rules.ts';
import type { OptionRule } from '../../util/options.ts';
import { InvalidApplicationError } from '../errors.ts';
import { longestPlainName, plainNameOf } from './table-names.ts';

/** The static properties of a class of projections. */
export interface ProjectionDeclaration {
  /** Name of the class, for messages. */
  readonly name: string;
  /** Durable name of the projection, from which the names of its tables are formed. */
  readonly applicationName: string;
  /** Name under which storage keeps the position of the schema. Given by the base class. */
  readonly recordedAs?: string;
  /** Types of recorded events: none. Given by the base class. */
  readonly emits: readonly string[];
  /** Number of the layout and content of the tables. With a higher number, the tables are built from all events again. */
  readonly schema: number;
  /** Where the projection begins in the logs of its upstreams. */
  readonly begins?: unknown;
  /** Names of the tables: small letters, digits and single `_`. */
  readonly tables: readonly string[];
  /** Kind of the database handle: `sqliteRows` of `kahn/sqlite` or `postgresRows` of `kahn/postgres`. */
  readonly rows: RowsKind;
  /**
   * Share of the time that the projection works while a schema is built beside the live one, above 0 and up to 1. It rests
   * in between, so that commands and other applications are served.
   *
   * @default 0.5
   */
  readonly buildShare?: number;
  /**
   * Time from the switch to this schema after which the tables of earlier schemas are dropped, in ms.
   *
   * @default 86_400_000, a day
   */
  readonly dropAfterMs?: number;
}

export const defaultBuildShare = 0.5;
export const defaultDropAfterMs = 86_400_000;

type Checked = Pick<ProjectionDeclaration, 'schema' | 'tables' | 'buildShare' | 'dropAfterMs'>;

const mostTables = 100;
const tableName = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

const rules: { readonly [Name in keyof Checked]-?: OptionRule<unknown, unknown> } = {
  schema: integer({ least: 1, most: 999_999 }),
  tables: ruleOf(`an array of 1 to ${mostTables} names`, isListOfNames),
  buildShare: ruleOf(
    'a number above 0 and up to 1',
    (value) => typeof value === 'number' && value > 0 && value <= 1,
    defaultBuildShare,
  ),
  dropAfterMs: integer({ least: 0 }, defaultDropAfterMs),
};

/** Whether a class is one of projections. */
export function isProjection<Declaration extends object>(
  declaration: Declaration,
): declaration is Declaration & ProjectionDeclaration {
  return (declaration as { readonly isProjection?: unknown }).isProjection === true;
}

/** Returns the name under which storage keeps the log and the position of a schema. */
export function schemaNameOf(applicationName: string, schema: number): string {
  return `${applicationName}@${schema}`;
}

/** @throws {@link InvalidApplicationError} if a static property of a projection is missing or invalid. */
export function assertProjection(declaration: ProjectionDeclaration): void {
  const name = declaration.name || '(anonymous)';
  const { applicationName, emits, recordedAs, schema, rows } = declaration;
  for (const [property, { expected, accepts, default: byDefault }] of Object.entries(rules)) {
    const { [property as keyof Checked]: value = byDefault } = declaration;
    if (accepts(value)) continue;
    const found = value === undefined ? 'it is missing' : `got ${inspect(value)}`;
    throw new InvalidApplicationError(
      `Expected 'static readonly ${property}' of projection ${name} to be ${expected}, ${found}.`,
    );
  }
  if (typeof rows?.driver !== 'string') {
    throw new InvalidApplicationError(
      `Projection ${name} needs 'static readonly rows', sqliteRows of kahn/sqlite or postgresRows of kahn/postgres.`,
    );
  }
  if (emits.length > 0)
    throw new InvalidApplicationError(
      `Projection ${name} records no events: remove its 'static readonly emits'.`,
    );
  if (applicationName.includes('@')) {
    throw new InvalidApplicationError(
      `The applicationName '${applicationName}' of projection ${name} has an '@', which separates the schema: leave it out.`,
    );
  }
  if (recordedAs !== schemaNameOf(applicationName, schema)) {
    throw new InvalidApplicationError(
      `Projection ${name} has a 'static readonly recordedAs'. Remove it: under another applicationName, its tables are built again.`,
    );
  }
  assertTables(name, declaration);
  assertNoEnd(name, declaration);
  if (typeof (declaration as { readonly prototype?: { create?: unknown } }).prototype?.create === 'function')
    return;
  throw new InvalidApplicationError(
    `Projection ${name} needs a method create({ db, tables }), which creates its tables.`,
  );
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.length <= mostTables;
}

/** Refuses to begin at the end: each new schema would begin there, without the rows of the earlier ones. */
function assertNoEnd(name: string, { begins = 'start' }: ProjectionDeclaration): void {
  const places: readonly unknown[] = typeof begins === 'object' ? Object.values(begins ?? {}) : [begins];
  if (!places.includes('end')) return;
  throw new InvalidApplicationError(
    `Projection ${name} begins at the 'end' of a log, so a new schema would lose all earlier rows. In 'static readonly begins', ` +
      "write a time, or 'start'.",
  );
}

function assertTables(name: string, { applicationName, tables }: ProjectionDeclaration): void {
  for (const [index, table] of tables.entries()) {
    if (typeof table !== 'string' || !tableName.test(table)) {
      throw new InvalidApplicationError(
        `Expected 'static readonly tables' of projection ${name} to hold names of small letters, digits and single '_' ` +
          `such as 'orders', got ${inspect(table)}.`,
      );
    }
    if (tables.indexOf(table) !== index)
      throw new InvalidApplicationError(
        `'static readonly tables' of projection ${name} lists '${table}' twice.`,
      );
    const plain = plainNameOf(applicationName, table);
    if (plain.length > longestPlainName) {
      throw new InvalidApplicationError(
        `Table '${table}' of projection ${name} gets the name '${plain}', which has ${plain.length} characters. Up to ` +
          `${longestPlainName} fit into the databases: shorten the applicationName or the name of the table.`,
      );
    }
  }
}
