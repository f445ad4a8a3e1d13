/** Reason why a value does not fit a schema. */
export interface SchemaIssue {
  readonly message: string;
  /** Keys that lead to the part of the value, from outside to inside. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Result of a validation: the value, or the reasons against it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A schema of any library that follows version 1 of Standard Schema (https://standardschema.dev), such as zod or valibot. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** Type of the values that a schema accepts. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output'];

/** Whether a value is a schema. Schemas of some libraries are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  const standard: unknown = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}
