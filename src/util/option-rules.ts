import { type OptionRule, type OptionRules, resolveOptions } from './options.ts';
import { longestTimerMs } from './time.ts';

/** Bounds of an integer, both included. */
interface Bounds {
  readonly least: number;
  readonly most?: number;
}

/** Accepts an integer. Without a default, the option may be left out. */
export function integer<Default extends number | undefined = undefined>(
  { least, most = Number.MAX_SAFE_INTEGER }: Bounds,
  byDefault?: Default,
): OptionRule<number, Default> {
  const upTo = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
  return ruleOf(
    `an integer ${upTo}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
    byDefault,
  );
}

/** Accepts a duration in ms that a timer can wait, up to 25 days. */
export function durationMs<Default extends number | undefined = undefined>(
  least: number,
  byDefault?: Default,
): OptionRule<number, Default> {
  return integer({ least, most: longestTimerMs }, byDefault);
}

/** Lowest frequency: one period in 32 years. */
const leastHz = 1e-9;

/** Accepts a frequency in Hz. */
export function frequencyHz<Default extends number | undefined = undefined>(
  byDefault?: Default,
): OptionRule<number, Default> {
  return ruleOf(
    `a number of Hz >= ${leastHz}`,
    (value) => typeof value === 'number' && Number.isFinite(value) && value >= leastHz,
    byDefault,
  );
}

export function flag<Default extends boolean | undefined = undefined>(
  byDefault?: Default,
): OptionRule<boolean, Default> {
  return ruleOf('true or false', (value) => typeof value === 'boolean', byDefault);
}

/** Accepts one of a few strings. */
export function oneOf<const Value extends string, Default extends Value | undefined = undefined>(
  values: readonly Value[],
  byDefault?: Default,
): OptionRule<Value, Default> {
  const expected = values.map((value) => `'${value}'`).join(' or ');
  return ruleOf(expected, (value) => (values as readonly unknown[]).includes(value), byDefault);
}

/** Accepts values for which a predicate returns true. */
export function ruleOf<Value, Default extends Value | undefined = undefined>(
  expected: string,
  accepts: (value: unknown) => boolean,
  byDefault?: Default,
): OptionRule<Value, Default> {
  return { expected, accepts, default: byDefault as Default };
}

/** Accepts values for which an assertion does not throw. The error of the assertion is thrown as it is. */
export function checkedBy<Value, Default extends Value | undefined = undefined>(
  assertion: (value: unknown) => void,
  byDefault?: Default,
): OptionRule<Value, Default> {
  const accepts = (value: unknown) => {
    assertion(value);
    return true;
  };
  return ruleOf('', accepts, byDefault);
}

/** Hides the value in messages, for passwords and for URLs that may contain one. */
export function secret<Value, Default extends Value | undefined>(
  rule: OptionRule<Value, Default>,
): OptionRule<Value, Default> {
  return { ...rule, isSecret: true };
}

/** Accepts an AbortSignal. */
export function abortSignal(): OptionRule<AbortSignal, undefined> {
  return { ...ruleOf('an AbortSignal', (value) => value instanceof AbortSignal), standsAlone: true };
}

/** Makes an option mandatory. */
export function required<Value>(rule: OptionRule<Value, undefined>): OptionRule<Value, undefined> {
  return { ...rule, isRequired: true };
}

/** Accepts an object of options. `owner` names it in messages. */
export function optionsBy<Options extends object, Defaulted extends keyof Options = never>(
  rules: OptionRules<Options, Defaulted>,
  owner: string,
): OptionRule<Options, undefined> {
  return checkedBy((value) => void resolveOptions(value as Options, rules, owner));
}
