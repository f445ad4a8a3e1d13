import { durationMs, flag, integer, oneOf, optionsBy, required, ruleOf } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';
import type { Backoff } from '../../util/retry.ts';

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** Tries after a failure. */
export interface RetryRule {
  /** Number of tries after the first one. */
  readonly times: number;
  /** Delay before the first of them, in ms. It doubles with each further one, and up to half of it is random. @default 100 */
  readonly firstMs?: number;
  /** Longest delay, in ms, at least `firstMs`. @default 30_000, or `firstMs` if that is more */
  readonly maxMs?: number;
}

/** Returns the delays between the tries of a rule. */
export function backoffOf({ firstMs = 100, maxMs = Math.max(firstMs, 30_000) }: RetryRule): Backoff {
  return { firstMs, maxMs };
}

/**
 * What happens to a notification on which an application fails. The first rule that matches the error applies. Failures of
 * the storage, lost races and notifications for other versions are no subject of rules: they are retried without a limit.
 */
export interface ErrorRule {
  /** Class of the error, or a function that returns whether the rule matches what was thrown. @default any error; such a rule is the last one */
  readonly error?: ErrorClass | ((error: unknown) => boolean);
  /** Tries before the rule applies. The application processes nothing of the same upstream meanwhile. @default none */
  readonly retry?: RetryRule;
  /** `park` puts the notification aside and continues; `stop` stops the application. @default 'stop' */
  readonly action?: 'park' | 'stop';
}

/** How an application parks notifications. */
export interface ParkingOptions {
  /**
   * Whether later notifications of the same aggregate are parked behind a parked one, so that each aggregate's events are
   * handled in order. Notifications that follow from a parked one are parked behind it in any case. @default true
   */
  readonly byAggregate?: boolean;
  /** Largest number of parked notifications, from 1 to 100,000. At the limit, the application stops. @default 1_000 */
  readonly limit?: number;
}

/** Whether a function of a rule is a class of errors. Any other function is a predicate. */
export function isErrorClass(value: unknown): value is ErrorClass {
  if (typeof value !== 'function') return false;
  return value.prototype === Error.prototype || value.prototype instanceof Error;
}

/** Whether a function is a class of something else than errors, which cannot be called as a predicate. */
function isOtherClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

const retryRules: OptionRules<RetryRule> = {
  times: required(integer({ least: 1 })),
  firstMs: durationMs(0),
  maxMs: durationMs(0),
};

/** Checks of the fields of a rule. `owner` names the rule in messages. */
export function errorRuleRules(owner: string): OptionRules<ErrorRule, 'action'> {
  return {
    error: ruleOf(
      'a class that extends Error, or a function that takes the error and returns true or false',
      (value) => isErrorClass(value) || (typeof value === 'function' && !isOtherClass(value)),
    ),
    retry: optionsBy(retryRules, `'retry' of ${owner}`),
    action: oneOf(['park', 'stop'], 'stop'),
  };
}

export const parkingOptions: OptionRules<ParkingOptions, 'byAggregate' | 'limit'> = {
  byAggregate: flag(true),
  limit: integer({ least: 1, most: 100_000 }, 1_000),
};
