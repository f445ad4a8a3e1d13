import { abortSignal, integer, required } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { now } from '../../util/time.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { EventStore } from '../recording/event-store.ts';
import { KeysUnsupportedError } from './errors.ts';

/** Most keys that are deleted in one transaction. */
const keysAtOnce = 1_000;

/** Options of {@link Application.forgetKeys}. */
export interface ForgetKeysOptions {
  /** Age from which keys are forgotten, in ms. */
  readonly olderThanMs: number;
  /** Ends the deletion; the reason of the signal is thrown. What is deleted stays deleted. @default none */
  readonly signal?: AbortSignal | undefined;
}

export const forgetKeysOptions: OptionRules<ForgetKeysOptions> = {
  olderThanMs: required(integer({ least: 0 })),
  signal: abortSignal(),
};

/** Implements {@link Application.forgetKeys}. */
export async function forgetKeys(
  { applicationName, recorder }: EventStore,
  options: ForgetKeysOptions,
): Promise<number> {
  const { olderThanMs, signal } = resolveOptions(
    options,
    forgetKeysOptions,
    `forgetKeys() of application '${applicationName}'`,
    'forgetKeys({ olderThanMs: 86_400_000 })',
  );
  const before = now() - olderThanMs;
  for (let forgotten = 0; ; ) {
    signal?.throwIfAborted();
    const count = await recorder.deleteCommands?.(before, keysAtOnce);
    if (count === undefined) throw new KeysUnsupportedError(applicationName);
    forgotten += count;
    if (count < keysAtOnce) return forgotten;
    await yieldIfBusy();
  }
}
