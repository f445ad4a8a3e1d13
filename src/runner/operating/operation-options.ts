import { recordedText } from '../../operations/recorded-text.ts';
import { abortSignal, required } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';

/** Who operates a running system, and why: options of the methods of a runner that are on record. */
export interface OperationOptions {
  /** Who does it, for the record: 1 to 1,000 characters. */
  readonly by: string;
  /** Why it is done, for the record: 1 to 1,000 characters. */
  readonly reason: string;
  /** Ends a wait for other writers; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal | undefined;
}

export const operationOptions: OptionRules<OperationOptions> = {
  by: required(recordedText),
  reason: required(recordedText),
  signal: abortSignal(),
};

/**
 * Returns the options of a method that is on record.
 *
 * @param call Name of the method, as in "pause()".
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws the reason of the signal if it is already aborted.
 */
export function operationOptionsOf(
  options: OperationOptions,
  call: string,
  example: string,
): OperationOptions {
  const resolved = resolveOptions(options, operationOptions, call, example);
  resolved.signal?.throwIfAborted();
  return resolved;
}
