import { inspect } from 'node:util';
import { kindOf, messageOf } from '../../util/errors.ts';
import { durationMs } from '../../util/option-rules.ts';
import { InvalidOptionError, resolveOptions } from '../../util/options.ts';
import { InvalidApplicationError } from '../errors.ts';
import { backoffOf, type ErrorRule, errorRuleRules, parkingOptions } from './error-rule.ts';
import type { ErrorDeclaration } from './error-rules.ts';

/** @throws {@link InvalidApplicationError} if a static property for errors is invalid. */
export function assertErrorDeclaration(className: string, declaration: ErrorDeclaration): void {
  const { errorRules = [], parking, handlerTimeoutMs } = declaration;
  if (!Array.isArray(errorRules)) {
    throw new InvalidApplicationError(
      `Expected 'static readonly errorRules' of class ${className} to be an array, as in [{ error: TypeError, action: 'park' ` +
        `}], got ${kindOf(errorRules)}.`,
    );
  }
  asStatic(() => {
    for (const [index, rule] of (errorRules as readonly ErrorRule[]).entries()) {
      const owner = `rule ${index + 1} of 'static readonly errorRules' of class ${className}`;
      resolveOptions(rule, errorRuleRules(owner), owner);
      assertDelays(rule, owner);
    }
    assertCatchAllIsLast(errorRules, className);
    if (parking !== undefined)
      resolveOptions(parking, parkingOptions, `'static readonly parking' of class ${className}`);
  });
  const { accepts, expected } = durationMs(1);
  if (handlerTimeoutMs === undefined || accepts(handlerTimeoutMs)) return;
  throw new InvalidApplicationError(
    `Expected 'static readonly handlerTimeoutMs' of class ${className} to be ${expected}, got ${inspect(handlerTimeoutMs)}.`,
  );
}

function assertDelays({ retry }: ErrorRule, owner: string): void {
  if (retry === undefined) return;
  const { firstMs, maxMs } = backoffOf(retry);
  if (firstMs <= maxMs) return;
  throw new InvalidOptionError(
    `Expected 'firstMs' of 'retry' of ${owner} to be at most 'maxMs', which is ${maxMs}, got ${firstMs}.`,
  );
}

/** Checks that no rule stands behind one that applies to all errors. */
function assertCatchAllIsLast(rules: readonly ErrorRule[], className: string): void {
  const index = rules.findIndex(({ error }) => error === undefined);
  if (index < 0 || index === rules.length - 1) return;
  throw new InvalidOptionError(
    `Rule ${index + 1} of 'static readonly errorRules' of class ${className} has no 'error', so that it applies to all errors ` +
      `and rule ${index + 2} to none: put it last, or say to which errors it applies.`,
  );
}

/** Checks options that are static properties. */
function asStatic(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new InvalidApplicationError(messageOf(error));
  }
}
