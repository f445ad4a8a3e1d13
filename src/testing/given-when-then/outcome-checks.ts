import { inspect } from 'node:util';
import { PolicyError } from '../../application/following-errors.ts';
import { errorNameOf, isError, isInstance, messageOf } from '../../util/errors.ts';
import { alignedWith, assertEqual, failure } from './comparison.ts';
import { DerivedIds } from './derived-id.ts';
import type { PolicyOutcome } from './policy-run.ts';
import { alignedRows, readTables, type Tables } from './table-rows.ts';

/** An expected error: its class, a regular expression for its message, or some of its fields. */
export type ExpectedError =
  | (abstract new (
      ...args: never
    ) => unknown)
  | RegExp
  | Readonly<Record<string, unknown>>;

/** A policy that is tested, and the test. */
export interface CheckedPolicy {
  readonly applicationName: string;
  /** Stack frames of the test. */
  readonly frames: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields by which an event is shown that the test does not expect. */
const shownFields = ['type', 'originatorId', 'data'];

/** What a policy must record. */
export interface ExpectedRecords {
  readonly events?: readonly Fields[];
  readonly rows?: Tables;
}

/** Throws unless a policy recorded what is expected; throws the error of the policy if it failed. */
export async function checkRecords(
  policy: CheckedPolicy,
  outcome: PolicyOutcome,
  { events, rows }: ExpectedRecords,
): Promise<void> {
  if (outcome.error !== undefined) throw outcome.error;
  const ids = new DerivedIds(outcome);
  if (events !== undefined) checkEvents(policy, outcome, events, ids);
  if (rows !== undefined) await checkRows(policy, outcome, rows, ids);
}

async function checkRows(
  { applicationName, frames }: CheckedPolicy,
  { application }: PolicyOutcome,
  expected: Tables,
  ids: DerivedIds,
): Promise<void> {
  const names = Object.keys(expected);
  const tables = await readTables(application, names);
  const actual = names.map((name) => [name, alignedRows(expected[name] ?? [], tables[name] ?? [], ids)]);
  const headline = `The rows of '${applicationName}' are other ones than expected.${ids.advice}`;
  assertEqual(Object.fromEntries(actual), expected, headline, frames);
}

/** Throws unless a policy recorded the expected events and no others. */
function checkEvents(
  { applicationName, frames }: CheckedPolicy,
  { events, ignoredTypes }: PolicyOutcome,
  expected: readonly Fields[],
  ids: DerivedIds,
): void {
  const actual = events.map((event, i) => {
    const wanted = expected[i];
    const names = wanted?.type === event.type ? Object.keys(wanted) : shownFields;
    return alignedWith(wanted, fieldsOf(event, names), ids);
  });
  const types = events.length === 0 && expected.length > 0 ? ignoredTypes : [];
  const reason =
    types.length === 0 ? '' : ` It has no handler for ${types.map((one) => `'${one}'`).join(', ')}.`;
  const headline = `The policy of '${applicationName}' recorded other events than expected.${reason}${ids.advice}`;
  assertEqual(actual, expected, headline, frames);
}

/** Throws unless a policy failed with the expected error. */
export function checkError(
  { applicationName, frames }: CheckedPolicy,
  outcome: PolicyOutcome,
  expected: ExpectedError,
): void {
  const { events, error } = outcome;
  const policy = `The policy of '${applicationName}'`;
  if (error === undefined) {
    const recorded = events.map(({ type, data }) => `\n  ${inspect({ type, data }, { depth: 4 })}`);
    const what = recorded.length === 0 ? ' no events.' : `:${recorded.join('')}`;
    const message = `${policy} did not fail with ${nameOf(expected)}. It recorded${what}`;
    throw failure({ message }, frames);
  }
  const thrown = isInstance(error, PolicyError) ? error.cause : error;
  if (typeof expected === 'function' || expected instanceof RegExp) {
    if (typeof expected === 'function' ? isInstance(thrown, expected) : expected.test(messageOf(thrown)))
      return;
    const what = isError(thrown) ? `${errorNameOf(thrown)}: ${thrown.message}` : inspect(thrown);
    const message = `${policy} failed with another error than ${nameOf(expected)}: ${what}`;
    throw failure({ message, cause: thrown }, frames);
  }
  const fields = fieldsOf(thrown, Object.keys(expected));
  const headline = `${policy} failed with another error than expected: ${messageOf(thrown)}`;
  assertEqual(alignedWith(expected, fields, new DerivedIds(outcome)), expected, headline, frames);
}

/** Returns some fields of a value, as a plain object. Fields that the value lacks are left out. */
function fieldsOf(value: unknown, names: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null) return {};
  const fields = value as Fields;
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, fields[name]]));
}

function nameOf(expected: ExpectedError): string {
  return typeof expected === 'function' ? expected.name : inspect(expected);
}
