import { abortSignal } from '../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../util/options.ts';

/** Options of the methods of runners that wait. */
interface WaitOptions {
  readonly signal?: AbortSignal;
}

const waitOptions: OptionRules<WaitOptions> = { signal: abortSignal() };

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
