import type { ApplicationClass } from '../application/application.ts';
import { abortSignal, required, ruleOf } from '../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../util/options.ts';
import type { ProcessedOptions, WaitOptions } from './runner.ts';

export const waitOptions: OptionRules<WaitOptions> = { signal: abortSignal() };

export const processedOptions: OptionRules<ProcessedOptions> = {
  ...waitOptions,
  by: required(
    ruleOf<ApplicationClass>('the class of an application', (value) => typeof value === 'function'),
  ),
};

/**
 * Returns the signal that cancels a wait.
 *
 * @param call Name of the method that waits, as in "caughtUp()".
 * @throws {@link InvalidOptionError} if an option is unknown or has an invalid value.
 * @throws the reason of the signal if it is already aborted.
 */
export function signalOf(options: WaitOptions, call: string): AbortSignal | undefined {
  const { signal } = resolveOptions(options, waitOptions, call);
  signal?.throwIfAborted();
  return signal;
}

/**
 * Returns the options of `processed()`.
 *
 * @throws the errors of {@link signalOf}.
 */
export function processedOptionsOf(options: ProcessedOptions): ProcessedOptions {
  const example = 'processed(saved, { by: Payments })';
  const { by, signal } = resolveOptions(options, processedOptions, 'processed()', example);
  signal?.throwIfAborted();
  return { by, ...(signal && { signal }) };
}
