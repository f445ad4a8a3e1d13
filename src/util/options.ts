import { KahnError } from './errors.ts';

/** An option has a value that it cannot have. */
export class InvalidOptionError extends KahnError {
  override readonly code = 'INVALID_OPTION';
}

/** Throws {@link InvalidOptionError} unless `value` is a whole number from `least`. */
export function assertWholeNumber(value: unknown, name: string, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw new InvalidOptionError(`${name} must be a whole number from ${least}, but is ${String(value)}.`);
}
