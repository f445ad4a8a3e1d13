import type { OptionRule } from './options.ts';
import { longestTimerMs } from './time.ts';

/** The bounds of a number, both included. */
interface Bounds {
  readonly least: number;
  readonly most?: number;
}

/** A whole number. Without a default the option may be left out. */
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

/** A duration in milliseconds that a timer can wait, up to some 25 days. */
export function durationMs<Default extends number | undefined = undefined>(
  least: number,
  byDefault?: Default,
): OptionRule<number, Default> {
  return integer({ least, most: longestTimerMs }, byDefault);
}

/** A frequency in Hz. */
export function frequencyHz<Default extends number | undefined = undefined>(
  byDefault?: Default,
): OptionRule<number, Default> {
  return ruleOf(
    'a number of Hz > 0',
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    byDefault,
  );
}

export function flag<Default extends boolean | undefined = undefined>(
  byDefault?: Default,
): OptionRule<boolean, Default> {
  return ruleOf('true or false', (value) => typeof value === 'boolean', byDefault);
}

/** One of a few strings. */
export function oneOf<const Value extends string, Default extends Value | undefined = undefined>(
  values: readonly Value[],
  byDefault?: Default,
): OptionRule<Value, Default> {
  const expected = values.map((value) => `'${value}'`).join(' or ');
  return ruleOf(expected, (value) => (values as readonly unknown[]).includes(value), byDefault);
}

/** Anything else that a predicate can tell. */
export function ruleOf<Value, Default extends Value | undefined = undefined>(
  expected: string,
  accepts: (value: unknown) => boolean,
  byDefault?: Default,
): OptionRule<Value, Default> {
  return { expected, accepts, default: byDefault as Default };
}

/** Anything that an assertion accepts. The assertion throws an error of its own for all else. */
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

/** An option whose value must not be shown, such as a password or a URL that may hold one. */
export function secret<Value, Default extends Value | undefined>(
  rule: OptionRule<Value, Default>,
): OptionRule<Value, Default> {
  return { ...rule, isSecret: true };
}

/** A signal that gives up what is under way. */
export function abortSignal(): OptionRule<AbortSignal, undefined> {
  return ruleOf('an AbortSignal', (value) => value instanceof AbortSignal);
}

/** An option that must be given. */
export function required<Value>(rule: OptionRule<Value, undefined>): OptionRule<Value, undefined> {
  return { ...rule, isRequired: true };
}
