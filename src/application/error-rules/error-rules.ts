import { isInstance, messageOf } from '../../util/errors.ts';
import { resolveOptions } from '../../util/options.ts';
import type { Backoff } from '../../util/retry.ts';
import { InvalidPolicyError } from '../errors.ts';
import type { PolicyError } from '../following-errors.ts';
import {
  backoffOf,
  type ErrorRule,
  isErrorClass,
  type ParkingOptions,
  parkingOptions,
} from './error-rule.ts';

/** What happens to a notification on which an application has failed. */
export type Decision =
  | { readonly kind: 'park' | 'stop' }
  /** It is tried again after a delay. */
  | { readonly kind: 'retry'; readonly backoff: Backoff };

/** The static properties of an application class that say what happens when its policy fails. */
export interface ErrorDeclaration {
  readonly errorRules?: readonly ErrorRule[];
  readonly parking?: ParkingOptions;
  readonly handlerTimeoutMs?: number;
}

/** What an application does when its policy fails. */
export class ErrorRules {
  readonly #rules: readonly ErrorRule[];
  /** Whether a rule parks notifications. */
  readonly mayPark: boolean;
  /** Whether later notifications of the same aggregate are parked behind a parked one. */
  readonly byAggregate: boolean;
  /** Largest number of parked notifications. */
  readonly limit: number;

  constructor({ errorRules = [], parking = {} }: ErrorDeclaration) {
    const { byAggregate, limit } = resolveOptions(parking, parkingOptions, "'static readonly parking'");
    this.#rules = errorRules;
    this.mayPark = mayPark({ errorRules });
    this.byAggregate = byAggregate;
    this.limit = limit;
  }

  /** Whether there are no rules, so that every error stops the application. */
  get areEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * Decides by the first rule that matches the cause of a failure; `tries` is the number of tries that have failed.
   *
   * @throws {@link InvalidPolicyError} if the function of a rule throws.
   */
  decide(failed: PolicyError, tries: number): Decision {
    const rule = this.#rules.find((one, i) => {
      try {
        return matches(one, failed.cause);
      } catch (error) {
        throw new InvalidPolicyError(
          `The function \`error\` of rule ${i + 1} of 'static readonly errorRules' of application ` +
            `'${failed.applicationName}' failed: ${messageOf(error)}. It got this error: ${failed.message}`,
          { cause: error },
        );
      }
    });
    if (rule === undefined) return { kind: 'stop' };
    const { retry, action: kind = 'stop' } = rule;
    return retry === undefined || tries > retry.times
      ? { kind }
      : { kind: 'retry', backoff: backoffOf(retry) };
  }
}

/** Whether a rule of an application class parks notifications. */
export function mayPark({ errorRules = [] }: ErrorDeclaration): boolean {
  return errorRules.some(({ action }) => action === 'park');
}

function matches({ error: expected }: ErrorRule, error: unknown): boolean {
  if (expected === undefined) return true;
  return isErrorClass(expected) ? isInstance(error, expected) : expected(error) === true;
}
