import { inspect } from 'node:util';
import { KahnError, kindOf } from './errors.ts';
import { nearestOf } from './nearest-name.ts';

/** An option is unknown, missing or has an invalid value. */
export class InvalidOptionError extends KahnError {
  override readonly code = 'INVALID_OPTION';
}

/** A function was called with an argument of the wrong type. */
export class InvalidArgumentError extends KahnError {
  override readonly code = 'INVALID_ARGUMENT';
}

/** Check and default value of one option. */
export interface OptionRule<Value, Default extends Value | undefined = Value | undefined> {
  /** Description of accepted values for messages, as in "an integer >= 1". */
  readonly expected: string;
  readonly default: Default;
  accepts(value: unknown): boolean;
  /** Whether the option must be given. */
  readonly isRequired?: boolean;
  /** Whether messages show only the kind of the value. */
  readonly isSecret?: boolean;
  /** Whether callers may pass the value itself by mistake, in place of the options. */
  readonly standsAlone?: boolean;
}

/**
 * Rules of all options of an interface. A missing rule, or a rule without an option, does not compile. `Defaulted`
 * names the options that have a default.
 */
export type OptionRules<Options, Defaulted extends keyof Options = never> = {
  readonly [Name in keyof Required<Options>]: Name extends Defaulted
    ? OptionRule<NonNullable<Options[Name]>, NonNullable<Options[Name]>>
    : OptionRule<NonNullable<Options[Name]>, undefined>;
};

/** Options with the defaults filled in. */
export type ResolvedOptions<Options, Defaulted extends keyof Options> = Options &
  Required<Pick<Options, Defaulted>>;

/**
 * Checks options against their rules and fills in the defaults. An option with the value `undefined` counts as left out.
 *
 * @param owner Name of the function that takes the options, as in "sqlite()".
 * @param example Call of this function, for the message if the options are no object.
 * @throws {@link InvalidOptionError} if an option is unknown, missing or has an invalid value.
 */
export function resolveOptions<Options extends object, Defaulted extends keyof Options>(
  options: Options,
  rules: OptionRules<Options, Defaulted>,
  owner: string,
  example?: string,
): ResolvedOptions<Options, Defaulted> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw notAnObject(options, owner, example);
  }
  const byName = rules as Readonly<Record<string, OptionRule<unknown>>>;
  if (isOtherObject(options)) throw misplaced(options, byName, owner) ?? notOptions(options, owner);
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(byName, name) ? byName[name] : undefined;
    if (rule === undefined)
      throw misplaced(options, byName, owner) ?? unknownOption(name, value, byName, owner);
    if (value !== undefined) assertOption(name, value, rule, owner);
  }
  for (const [name, rule] of Object.entries(byName)) {
    if (rule.isRequired) assertOption(name, (options as Record<string, unknown>)[name], rule, owner);
  }
  const defaults = Object.entries(byName).filter(([, rule]) => rule.default !== undefined);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries([
    ...defaults.map(([name, rule]) => [name, rule.default]),
    ...given,
  ]) as ResolvedOptions<Options, Defaulted>;
}

/** Throws {@link InvalidArgumentError} unless an argument is a function. `what` names it, as in "the listener of subscribe()". */
export function assertFunction(value: unknown, what: string): void {
  if (typeof value === 'function') return;
  throw new InvalidArgumentError(`Expected ${what} to be a function, got ${kindOf(value)}.`);
}

/** Checks the value of one option. Throws {@link InvalidOptionError}. */
export function assertOption(
  name: string,
  value: unknown,
  { accepts, expected, isSecret = false }: OptionRule<unknown>,
  owner: string,
): void {
  if (accepts(value)) return;
  const got = isSecret ? kindOf(value) : shown(value);
  throw new InvalidOptionError(`Expected option '${name}' of ${owner} to be ${expected}, got ${got}.`);
}

/** The message has only the type of the value: a string may contain a password. */
function notAnObject(value: unknown, owner: string, example: string | undefined): InvalidOptionError {
  const call = example === undefined ? '' : `, as in ${example}`;
  return new InvalidOptionError(`${owner} takes an object${call}, not ${kindOf(value)}.`);
}

/** Whether a value is an instance of a class without fields, which holds no options. */
function isOtherObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null; // of any realm
  return !isPlain && Object.keys(value).length === 0;
}

function notOptions(value: object, owner: string): InvalidOptionError {
  const name = value.constructor?.name || 'a class';
  return new InvalidOptionError(`${owner} takes a plain object of options, not an instance of ${name}.`);
}

/** Returns the error for a value that was passed in place of the options, if it is one. */
function misplaced(
  value: object,
  rules: Readonly<Record<string, OptionRule<unknown>>>,
  owner: string,
): InvalidOptionError | undefined {
  for (const [name, { standsAlone = false, accepts }] of Object.entries(rules)) {
    if (!standsAlone || !accepts(value)) continue;
    return new InvalidOptionError(`${owner} takes an object of options: pass the ${name} as { ${name}: … }.`);
  }
  return undefined;
}

/** Names the option that is meant: the one with a similar name, else the one that alone takes such a value. */
function unknownOption(
  name: string,
  value: unknown,
  rules: Readonly<Record<string, OptionRule<unknown>>>,
  owner: string,
): InvalidOptionError {
  const known = Object.keys(rules);
  const takesValue = ([, { standsAlone = false, accepts }]: [string, OptionRule<unknown>]) =>
    standsAlone && accepts(value);
  const nearest = nearestOf(name, known) ?? Object.entries(rules).find(takesValue)?.[0];
  const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  const list = known.length === 0 ? 'It takes none' : `Options: ${known.join(', ')}`;
  return new InvalidOptionError(`Unknown option '${name}' of ${owner}.${question} ${list}.`);
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 });
}
