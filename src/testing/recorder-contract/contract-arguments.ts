import { inspect } from 'node:util';
import { kindOf } from '../../util/errors.ts';
import { nearestOf } from '../../util/nearest-name.ts';
import { checkedBy, required, ruleOf } from '../../util/option-rules.ts';
import {
  assertOption,
  InvalidArgumentError,
  InvalidOptionError,
  type OptionRule,
} from '../../util/options.ts';

/** The part of a test framework that a contract needs. vitest, jest, mocha and node:test have it. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/**
 * Throws {@link InvalidArgumentError} unless a value has the functions of a test framework.
 *
 * @param contract Name of the function that takes it, as in "recorderContract".
 */
export function assertTestRunner(runner: unknown, contract: string): void {
  const given = runner as Partial<TestRunner> | null | undefined;
  const missing = (['describe', 'it'] as const).find((name) => typeof given?.[name] !== 'function');
  if (missing === undefined) return;
  throw new InvalidArgumentError(
    `${contract}() takes the functions of a test framework and then a subject, as in ${contract}({ describe, it }, ` +
      `subject). The first argument, ${kindOf(runner)}, has no function ${missing}().`,
  );
}

/** Rule of the name of a subject. */
export const nameRule: OptionRule<string, undefined> = required(
  ruleOf('a non-empty string', (value) => typeof value === 'string' && value !== ''),
);

/** Returns the rule of a function of a subject. */
export function functionRule<Value>(): OptionRule<Value, undefined> {
  return required(ruleOf<Value>('a function', (value) => typeof value === 'function'));
}

/**
 * Returns the rule of the option `lacks`.
 *
 * @param known The optional features.
 * @param owner Function that takes the option, as in "recorderContract()".
 */
export function lacksRule<Feature extends string>(
  known: readonly Feature[],
  owner: string,
): OptionRule<readonly Feature[], undefined> {
  const list = ruleOf(`an array of features, as in ['${known[0]}']`, Array.isArray);
  return checkedBy((value) => {
    assertOption('lacks', value, list, owner);
    const unknown = (value as readonly unknown[]).find((one) => !(known as readonly unknown[]).includes(one));
    if (unknown === undefined) return;
    const nearest = nearestOf(String(unknown), known);
    const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    throw new InvalidOptionError(
      `Unknown feature ${inspect(unknown)} in option 'lacks' of ${owner}.${question} Features: ${known.join(', ')}.`,
    );
  });
}
