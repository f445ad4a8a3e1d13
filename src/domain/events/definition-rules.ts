import { inspect } from 'node:util';
import { kindOf } from '../../util/errors.ts';
import { isId } from '../../util/ids.ts';
import { nearestOf } from '../../util/nearest-name.ts';
import { InvalidArgumentError, InvalidOptionError } from '../../util/options.ts';
import { type EventParts, type EventType, FormerEvent, partsOf } from './event-definition.ts';
import { newestOf } from './event-versions.ts';
import { isSchema } from './standard-schema.ts';
import { hasVersion } from './stored-type.ts';

/**
 * Returns the parts of definitions, by type.
 *
 * @throws {@link InvalidArgumentError} if a type or a definition is invalid.
 */
export function definitionsIn(definitions: unknown): ReadonlyMap<string, EventParts> {
  if (typeof definitions !== 'object' || definitions === null || Array.isArray(definitions)) {
    throw new InvalidArgumentError(
      "defineEvents() takes an object of definitions by type, as in defineEvents({ 'Order.Created': event<…>() }), " +
        `not ${kindOf(definitions)}.`,
    );
  }
  const parts = new Map<string, EventParts>();
  for (const [type, definition] of Object.entries(definitions)) {
    if (!isType(type)) throw new InvalidArgumentError(`defineEvents() cannot define ${typeRule(type)}.`);
    parts.set(type, partsIn(type, definition));
  }
  return parts;
}

function partsIn(type: string, definition: unknown): EventParts {
  const parts =
    typeof definition === 'object' && definition !== null ? partsOf(definition as EventType) : undefined;
  if (parts !== undefined) return parts;
  const [got, advice] =
    definition instanceof FormerEvent
      ? ['that of into()', " Define former types in the option 'former'."]
      : isSchema(definition)
        ? ['a schema', ' Wrap it: event(schema).']
        : [kindOf(definition), ''];
  throw new InvalidArgumentError(
    `Expected '${type}' in defineEvents() to be the result of event(), got ${got}.${advice}`,
  );
}

/**
 * Checks the former types of definitions.
 *
 * @throws {@link InvalidOptionError} if one of them is invalid, leads to a type that is not defined, or leaves a gap.
 */
export function assertFormer(
  former: ReadonlyMap<string, unknown>,
  current: ReadonlyMap<string, EventParts>,
): void {
  for (const [type, earlier] of former) {
    if (!isType(type)) throw invalid(`cannot name ${typeRule(type)}.`);
    if (typeof earlier === 'string') assertRename(type, earlier, former, current);
    else if (!(earlier instanceof FormerEvent)) throw noFormerEvent(type, earlier);
    assertBefore(type, earlier, current.get(type));
  }
}

function assertRename(
  type: string,
  to: string,
  former: ReadonlyMap<string, unknown>,
  current: ReadonlyMap<string, EventParts>,
): void {
  const passed = [type];
  for (let next: unknown = to; typeof next === 'string'; next = former.get(next)) {
    const isPassed = passed.includes(next);
    passed.push(next);
    if (isPassed) throw invalid(`renames types in a circle: '${passed.join("' to '")}'.`);
  }
  if (!current.has(to)) {
    const further = former.get(to);
    const nearest = typeof further === 'string' ? further : nearestOf(to, [...current.keys()]);
    const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    throw invalid(`renames '${type}' to '${to}', which defineEvents() does not define.${question}`);
  }
}

function noFormerEvent(type: string, value: unknown): InvalidOptionError {
  const isDefinition =
    typeof value === 'object' && value !== null && partsOf(value as EventType) !== undefined;
  const got = isDefinition ? 'the result of event() without into()' : kindOf(value);
  return invalid(
    `needs for '${type}' the new name of the type, or event<…>().into((old) => […]), got ${got}.`,
  );
}

/** Checks that a former type is not defined, or that the versions before its definition have no gap. */
function assertBefore(type: string, earlier: unknown, parts: EventParts | undefined): void {
  if (parts === undefined) return;
  const { since } = parts;
  if (since === 1) {
    throw invalid(
      `names '${type}', which is defined with all its versions. Set option 'since' of its event() to the first version ` +
        'that the definition reads, or choose another name.',
    );
  }
  if (!(earlier instanceof FormerEvent) || newestOf(earlier.parts) === since - 1) return;
  throw invalid(
    `defines '${type}' up to version ${newestOf(earlier.parts)}, but the definition of the type reads versions since ` +
      `${since}: end it with version ${since - 1}.`,
  );
}

function isType(type: string): boolean {
  return isId(type) && !hasVersion(type);
}

function typeRule(type: string): string {
  const rule = isId(type) ? "'@' and digits stand for a version" : 'expected well-formed text without NUL';
  return `a type ${inspect(type)}: ${rule}`;
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError(`Option 'former' of defineEvents() ${message}`);
}
