import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { isPlainObject } from '../../application/recording/save-options.ts';
import { Personal } from '../../domain/personal.ts';
import type { DerivedIds } from './derived-id.ts';
import { isDerivedId } from './derived-id.ts';

/** Value of vitest or Jest that accepts other values, such as `expect.any(String)`. */
interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
}

/**
 * Returns a copy of a value in which everything that an expected value accepts is replaced by it: derived ids, personal
 * data, and what matchers accept. The rest stays, so that a difference shows it.
 */
export function alignedWith(expected: unknown, actual: unknown, ids: DerivedIds): unknown {
  if (isDerivedId(expected)) return ids.accepts(expected, actual) ? expected : actual;
  if (isMatcher(expected)) return expected.asymmetricMatch(actual) ? expected : actual;
  if (actual instanceof Personal) return alignedPersonal(expected, actual);
  if (Array.isArray(actual) && Array.isArray(expected))
    return actual.map((one, i) => alignedWith(expected[i], one, ids));
  if (!isPlainObject(actual) || !isPlainObject(expected)) return actual;
  const fields = Object.entries(actual).map(([name, value]) => [
    name,
    Object.hasOwn(expected, name) ? alignedWith(expected[name], value, ids) : value,
  ]);
  return Object.fromEntries(fields);
}

/** Shows the content of personal data that differs: a comparison does not see it. */
function alignedPersonal(expected: unknown, { subject, value }: Personal): unknown {
  const isEqual =
    expected instanceof Personal && expected.subject === subject && isDeepStrictEqual(expected.value, value);
  return isEqual ? expected : { subject, value };
}

function isMatcher(value: unknown): value is Matcher {
  return typeof (value as Partial<Matcher> | null | undefined)?.asymmetricMatch === 'function';
}

/**
 * Throws an `AssertionError` unless two values are equal.
 *
 * @param headline Message of the error.
 * @param frames Stack frames of the test.
 */
export function assertEqual(actual: unknown, expected: unknown, headline: string, frames: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const [, ...difference] = new AssertionError({
    actual,
    expected,
    operator: 'deepStrictEqual',
  }).message.split('\n');
  throw failure({ message: headline, actual, expected }, [...difference, frames].join('\n'));
}

/** What the error of a failed test is made of. */
interface Failure {
  readonly message: string;
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly cause?: unknown;
}

/**
 * Makes the error of a failed test.
 *
 * @param trace Rest of the stack, behind the message. A difference in it is shown by test runners that print the stack, and
 * not shown twice by those that compute one.
 */
export function failure({ cause, ...values }: Failure, trace: string): AssertionError {
  const error = new AssertionError({ ...values, operator: 'then' }) as AssertionError & { diff?: unknown };
  delete error.diff; // names the style of the difference; vitest would print it
  error.stack = `${error.name}: ${error.message}\n${trace}`;
  if (cause !== undefined) error.cause = cause;
  return error;
}
