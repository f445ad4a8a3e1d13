import { KahnError } from './errors.ts';

/** An option has a value that it cannot have. */
export class InvalidOptionError extends KahnError {
  override readonly code = 'INVALID_OPTION';
}

/** Something was given that is none of what a call takes. */
export class InvalidArgumentError extends KahnError {
  override readonly code = 'INVALID_ARGUMENT';
}

/** Throws {@link InvalidOptionError} unless `options` is an object that has none but the known options. */
export function assertOptions(options: unknown, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError(`The options of ${where} must be an object, but are ${String(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new InvalidOptionError(`${where} has no option '${unknown}', only ${known.join(', ')}.`);
}

/** Throws {@link InvalidOptionError} unless `value` is a whole number from `least`. */
export function assertWholeNumber(value: unknown, name: string, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw new InvalidOptionError(`${name} must be a whole number from ${least}, but is ${String(value)}.`);
}
