import { storedTypesOf } from '../domain/events/define-events.ts';
import { hasVersion } from '../domain/events/stored-type.ts';
import { assertNameLength } from '../storage/limits.ts';
import { assertId, isId } from '../util/ids.ts';
import { InvalidApplicationError } from './errors.ts';

/** The static properties of an application class. */
export interface ApplicationDeclaration {
  /** Name of the class, for messages. */
  readonly name: string;
  /** Durable name of the log: never change it once events are recorded. */
  readonly applicationName: string;
  /** Types of all events that the application may record, and of those in its log that it does not trigger any more. */
  readonly emits: readonly string[];
  /**
   * Whether events carry their dependencies in other pipelines, so that followers process the dependencies first. Costs
   * one more read for each transaction.
   *
   * @default false
   */
  readonly causalDependencies?: boolean;
}

/**
 * @throws {@link InvalidApplicationError} if a static property is missing or invalid.
 * @throws {@link LimitExceededError} if the name or an event type is too long.
 */
export function assertDeclared(declaration: ApplicationDeclaration): void {
  const { applicationName, emits, causalDependencies = false } = declaration;
  const name = declaration.name || '(anonymous)';
  if (applicationName === undefined) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly applicationName', the durable name of its log.`,
    );
  }
  assertId(applicationName, `'static readonly applicationName' of class ${name}`);
  if (!Array.isArray(emits) || !emits.every(isId)) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly emits', an array of the types of the events it records.`,
    );
  }
  assertNameLength(applicationName, 'applicationName', applicationName);
  for (const type of storedTypesOf(emits)) assertNameLength(applicationName, 'eventType', type);
  const versioned = emits.find(hasVersion);
  if (versioned !== undefined) {
    throw new InvalidApplicationError(
      `Class ${name} lists '${versioned}' in 'static readonly emits', but '@' and digits stand for the version of a type. ` +
        'Choose another name, or define versions of a type with defineEvents().',
    );
  }
  if (typeof causalDependencies !== 'boolean') {
    throw new InvalidApplicationError(
      `Expected 'static readonly causalDependencies' of class ${name} to be true or false, ` +
        `got ${String(causalDependencies)}.`,
    );
  }
}
