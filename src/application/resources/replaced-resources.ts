import { nearestOf } from '../../util/nearest-name.ts';
import { ruleOf, secret } from '../../util/option-rules.ts';
import { InvalidOptionError, type OptionRule } from '../../util/options.ts';
import { Resources } from './resources.ts';

/** Rule of an option that takes the result of `defineResources()`. */
export const resourcesRule: OptionRule<Resources, undefined> = secret(
  ruleOf('the result of defineResources({ … })', (value) => value instanceof Resources),
);

/** Rule of an option that takes resources by name, in place of those that the system defines. */
export const replacedRule: OptionRule<object, undefined> = secret(
  ruleOf(
    'an object of resources by name',
    (value) => typeof value === 'object' && value !== null && !(value instanceof Resources),
  ),
);

/** Throws {@link InvalidOptionError} if a resource that is replaced is not defined. */
export function assertDefined(replaced: object, names: readonly string[]): void {
  for (const name of Object.keys(replaced)) {
    if (names.includes(name)) continue;
    const nearest = nearestOf(name, names, 0.5);
    const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    const list = names.length === 0 ? 'The system defines none.' : `The system defines: ${names.join(', ')}.`;
    throw new InvalidOptionError(`Unknown resource '${name}' in option 'resources'.${question} ${list}`);
  }
}

/**
 * Throws {@link InvalidOptionError} if resources are replaced on a runner whose workers would not get them.
 *
 * @param workers Name of the workers, as in "worker threads".
 */
export function assertNotReplaced(replaced: object | undefined, runner: string, workers: string): void {
  if (replaced === undefined) return;
  throw new InvalidOptionError(
    `${runner} takes no option 'resources': its ${workers} open the resources of the system themselves, and other ones ` +
      'cannot be sent to them. Replace resources on a runner without workers, such as run(), or define a system with ' +
      'other resources in a module of its own.',
  );
}
