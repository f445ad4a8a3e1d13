import type { DomainEvent } from '../event.ts';
import type { EventSpecification } from '../events/define-events.ts';
import type { CheckedEvent } from './errors.ts';
import { assertFits } from './schema-check.ts';

/**
 * Returns a function that checks the data of events against the schemas of their types, and throws as {@link assertFits}
 * does. Returns undefined if no type has a schema.
 */
export function schemaChecks(
  applicationName: string,
  specification: EventSpecification | undefined,
  action: CheckedEvent['action'],
): ((event: DomainEvent) => void) | undefined {
  const all = [...(specification?.current ?? [])];
  const schemas = new Map(
    all.flatMap(([type, { schema }]) => (schema === undefined ? [] : [[type, schema]])),
  );
  if (schemas.size === 0) return undefined;
  return (event) => {
    const schema = schemas.get(event.type);
    if (schema !== undefined) assertFits(schema, { applicationName, action, event });
  };
}
