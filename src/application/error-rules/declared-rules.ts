import { inspect } from 'node:util';
import { kindOf, messageOf } from '../../util/errors.ts';
import { durationMs } from '../../util/option-rules.ts';
import { resolveOptions } from '../../util/options.ts';
import { InvalidApplicationError } from '../errors.ts';
import { type ErrorRule, errorRuleRules, parkingOptions } from './error-rule.ts';
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
    }
    if (parking !== undefined)
      resolveOptions(parking, parkingOptions, `'static readonly parking' of class ${className}`);
  });
  const { accepts, expected } = durationMs(1);
  if (handlerTimeoutMs === undefined || accepts(handlerTimeoutMs)) return;
  throw new InvalidApplicationError(
    `Expected 'static readonly handlerTimeoutMs' of class ${className} to be ${expected}, got ${inspect(handlerTimeoutMs)}.`,
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
