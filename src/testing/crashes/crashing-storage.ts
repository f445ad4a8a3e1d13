import {
  assertStorage,
  describeStorage,
  type StorageDescription,
  type StorageOptions,
} from '../../storage/storage.ts';
import { newId } from '../../util/ids.ts';
import { integer, oneOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { type Crash, type CrashMoment, CrashPlan } from './crash-plan.ts';
import * as module from './crashing-module.ts';

/** Options of {@link crashingStorage}. */
export interface CrashingStorageOptions {
  /** Number of the recording at which the process crashes, counted from 1. @default none: it does not crash */
  readonly recording?: number;
  /**
   * Whether the process crashes before the recording, inside its transaction, which is rolled back, or after it, when the
   * caller does not know yet that it is recorded.
   *
   * @default 'after'
   */
  readonly moment?: CrashMoment;
}

export const crashingStorageOptions: OptionRules<CrashingStorageOptions, 'moment'> = {
  recording: integer({ least: 1 }),
  moment: oneOf(['before', 'inside', 'after'], 'after'),
};

/** A storage whose process may crash. Counts the recordings: calls of all applications that write. */
export interface CrashingStorage extends StorageDescription {
  /** Number of recordings so far. */
  readonly recordings: number;
  /** The crash, once it has happened. */
  readonly crash: Crash | undefined;
}

/**
 * Describes a storage as a process uses it that crashes at one of its recordings: that call and all later ones fail with
 * STORAGE_CLOSED. What is recorded by then stays in the inner storage, on which another runner may be started. For runners of
 * one thread.
 *
 * @throws {@link InvalidStorageError} if `storage` is not a description of storage.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @example
 * const storage = memory();
 * const crashing = crashingStorage(storage, { recording: 2, moment: 'inside' });
 * const first = await run(shop, { storage: crashing });
 * await first.get(Orders).place('ada').catch(() => {}); // fails
 * await first.close();
 * await using second = await run(shop, { storage });
 * await second.caughtUp();
 */
export function crashingStorage(
  storage: StorageDescription,
  options: CrashingStorageOptions = {},
): CrashingStorage {
  assertStorage(storage);
  const { recording, moment } = resolveOptions(options, crashingStorageOptions, 'crashingStorage()');
  const plan = new CrashPlan(recording === undefined ? undefined : { recording, moment });
  const ownOptions: StorageOptions = { id: newId() };
  module.keepPlan(ownOptions, storage, plan);
  return {
    ...describeStorage(module, ownOptions),
    get recordings() {
      return plan.recordings;
    },
    get crash() {
      return plan.crash;
    },
  };
}
