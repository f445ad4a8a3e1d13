import { nearestOf } from '../../util/nearest-name.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { type SafeNameRules, safeName } from '../../util/safe-name.ts';

/** The tables of one schema of a projection, by their names in `tables`. Each value is quoted for SQL. */
export type ProjectionTables = Readonly<Record<string, string>>;

/** Longest plain name: PostgreSQL allows 63 bytes, and `@` and the schema follow. */
export const longestPlainName = 56;

// `-` becomes `_`, so `_` itself is escaped. A `$` needs no quotes in the databases.
const applicationNames: SafeNameRules = { allowed: /[a-z0-9-]/, escapeWith: '$' };

/** Properties that JavaScript reads of any object. */
const readByLanguage: ReadonlySet<string> = new Set(['then', 'toJSON', 'toString', 'valueOf', 'constructor']);

/**
 * Returns the name of the view that shows a table of the live schema. The last `__` separates the application from the
 * table, whose name has none, so that no two projections share a name.
 */
export function plainNameOf(applicationName: string, table: string): string {
  return `${safeName(applicationName, applicationNames).replaceAll('-', '_')}__${table}`;
}

/** Names of the views and tables of a projection, quoted for SQL and qualified by a namespace of the database, if any. */
export class TableNames {
  readonly #applicationName: string;
  readonly #namespace: string | undefined;

  constructor(applicationName: string, namespace: string | undefined) {
    this.#applicationName = applicationName;
    this.#namespace = namespace;
  }

  /** Returns the view of a table. */
  view(table: string): string {
    return this.#qualified(plainNameOf(this.#applicationName, table));
  }

  /** Returns a table of a schema. */
  table(table: string, schema: number): string {
    return this.#qualified(this.physicalName(table, schema));
  }

  /** Returns an object of a schema, such as an index. It is in the namespace of its table. */
  object(name: string, schema: number): string {
    return `"${this.physicalName(name, schema).replaceAll('"', '""')}"`;
  }

  /** Returns the name of a table of a schema as the catalog of the database has it. */
  physicalName(table: string, schema: number): string {
    return `${plainNameOf(this.#applicationName, table)}@${schema}`;
  }

  /** Returns the tables of a schema. Reading another name throws {@link InvalidArgumentError}. */
  tablesOf(tables: readonly string[], schema: number): ProjectionTables {
    const byName = Object.fromEntries(tables.map((table) => [table, this.table(table, schema)]));
    return Object.freeze(Object.setPrototypeOf(byName, this.#refusing(tables, schema)));
  }

  /** Returns a prototype that refuses to read unknown names. Reading known names from an object with it stays fast. */
  #refusing(tables: readonly string[], schema: number): object {
    const applicationName = this.#applicationName;
    return new Proxy(Object.freeze({}), {
      get(object, name) {
        if (typeof name === 'symbol' || readByLanguage.has(name)) return Reflect.get(object, name);
        const nearest = nearestOf(name, tables);
        const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
        throw new InvalidArgumentError(
          `Projection '${applicationName}' has no table '${name}' in schema ${schema}.${question} Its tables are: ` +
            `${tables.join(', ')}.`,
        );
      },
    });
  }

  #qualified(name: string): string {
    return this.#namespace === undefined
      ? `"${name}"`
      : `"${this.#namespace.replaceAll('"', '""')}"."${name}"`;
  }
}
