import { inspect } from 'node:util';
import type { SchemaIssue, SchemaResult, StandardSchema } from '../events/standard-schema.ts';
import { hasMutableParts } from '../frozen-copy.ts';
import { mutableCopy } from '../mutable-copy.ts';
import {
  type CheckedEvent,
  EventInvalidError,
  type EventIssue,
  InvalidSchemaError,
  type SchemaFault,
  thrownBy,
} from './errors.ts';
import { type Difference, differenceOf } from './output-difference.ts';

/** Most issues that an error carries. */
const maxIssues = 100;

/**
 * Checks the data of an event against the schema of its type.
 *
 * @throws {@link EventInvalidError} if the data does not fit.
 * @throws {@link InvalidSchemaError} if the schema is asynchronous, throws, or returns other data than it was given.
 */
export function assertFits(schema: StandardSchema, checked: CheckedEvent): void {
  const verdict = verdictOf(schema, checked.event.data);
  if (verdict === undefined) return;
  const vendor = String(schema['~standard'].vendor);
  if ('issues' in verdict) throw new EventInvalidError(checked, vendor, verdict.issues);
  throw new InvalidSchemaError(checked, vendor, verdict);
}

type Verdict = { readonly issues: readonly EventIssue[] } | SchemaFault | undefined;

function verdictOf(schema: StandardSchema, data: unknown): Verdict {
  try {
    const result = resultOf(schema, data);
    if (isPromise(result)) {
      return {
        reason:
          'returned a promise, but the check of an event cannot wait. Check asynchronously before trigger(). Some ' +
          'libraries also return a promise when a check throws.',
      };
    }
    if (typeof result !== 'object' || result === null) {
      return {
        reason: `returned ${inspect(result)} in place of a result: it does not follow version 1 of Standard Schema.`,
      };
    }
    if (result.issues) return { issues: Array.from(result.issues, issueOf).slice(0, maxIssues) };
    const difference = differenceOf(data, result.value);
    return difference && faultOf(difference);
  } catch (error) {
    return thrownBy(error);
  }
}

/**
 * Runs a schema on the data, or on a copy if the schema could change the data or failed because it is frozen: some schemas
 * convert in place.
 */
function resultOf(schema: StandardSchema, data: unknown): SchemaResult<unknown> | Promise<unknown> {
  const validate = (value: unknown) => schema['~standard'].validate(value);
  if (hasMutableParts(data)) return validate(mutableCopy(data));
  try {
    const result = validate(data);
    if (!isPromise(result)) return result;
  } catch {
    // the copy decides
  }
  return validate(mutableCopy(data));
}

/** Returns whether a result is a promise, and takes care of its rejection. */
function isPromise(result: unknown): result is Promise<unknown> {
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') return false;
  Promise.resolve(result).catch(() => {}); // the promise is the fault to report
  return true;
}

function faultOf({ change, path: keys }: Difference): SchemaFault {
  const path = textOf(keys);
  const part = path === '' ? 'the data' : `'${path}'`;
  const why = 'and events are recorded as they were triggered';
  switch (change) {
    case 'removes':
      return {
        path,
        reason:
          `removes ${part} from the data, ${why}. Let the schema refuse unknown keys, as strictObject() of zod and ` +
          'valibot does, or keep them, as looseObject() does.',
      };
    case 'adds':
      return {
        path,
        reason:
          `adds ${part} to the data, ${why}. Pass the value to trigger(), and add it to data of earlier versions by ` +
          'upcast().',
      };
    case 'changes':
      return { path, reason: `changes ${part}, ${why}. Convert the value before trigger().` };
  }
}

function issueOf({ path = [], message }: SchemaIssue): EventIssue {
  return {
    path: textOf(Array.from(path, (step) => (typeof step === 'object' ? step.key : step))),
    message: String(message),
  };
}

/** Returns a path as code: `items[2].price`. */
function textOf(path: readonly PropertyKey[]): string {
  const text = path.map(stepText).join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

function stepText(key: PropertyKey): string {
  if (typeof key !== 'string') return `[${String(key)}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
