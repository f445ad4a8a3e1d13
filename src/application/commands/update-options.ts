import type { Aggregate } from '../../domain/aggregate.ts';
import { abortSignal, integer, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, type ResolvedOptions, resolveOptions } from '../../util/options.ts';
import { type Saved, type SaveOptions, saveOptions } from '../recording/save-options.ts';

/** Options of {@link Application.update}. */
export interface UpdateOptions<A extends Aggregate = Aggregate> extends SaveOptions {
  /** Number of further tries after lost races: the function is called again with a fresh aggregate. @default 10 */
  readonly retries?: number;
  /**
   * Makes the aggregate if there is none with the id. The function is then called with it, and both are recorded
   * together.
   *
   * @default none: `AggregateNotFoundError` is thrown
   */
  readonly create?: (() => A) | undefined;
  /**
   * Ends the wait before a try; the reason of the signal is thrown, and nothing is recorded. A try that has begun is
   * finished.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined;
}

export const updateOptions: OptionRules<UpdateOptions, 'retries'> = {
  ...saveOptions,
  retries: integer({ least: 0 }, 10),
  create: ruleOf('a function', (value) => typeof value === 'function'),
  signal: abortSignal(),
};

/** Where an update is recorded, and what its function returned. */
export interface Updated<Result> extends Saved {
  readonly result: Result;
}

/** @throws {@link InvalidOptionError} if an option is unknown or has a wrong value. */
export function updateOptionsOf<A extends Aggregate>(
  options: UpdateOptions<A>,
  call: string,
): ResolvedOptions<UpdateOptions<A>, 'retries'> {
  return resolveOptions(options, updateOptions as OptionRules<UpdateOptions<A>, 'retries'>, call);
}
