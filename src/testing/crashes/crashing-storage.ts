import { assertStorage, type StorageDescription } from '../../storage/storage.ts';
import { integer, oneOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { type FaultMoment, moments } from '../faults/faults.ts';
import { withFaults } from '../faults/faulty-module.ts';
import { type MetFault, newCount } from '../faults/faulty-process.ts';

/** The place of a crash. */
export interface CrashPoint {
  /** Number of the recording, counted from 1. */
  readonly recording: number;
  readonly moment: FaultMoment;
}

/** A crash that has happened. */
export interface Crash extends CrashPoint {
  /** Application that recorded. */
  readonly applicationName: string;
  /** What was to be recorded, such as "Order.Reserved, position 1 in 'reservations'". */
  readonly contents: string;
}

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
  readonly moment?: FaultMoment;
}

export const crashingStorageOptions: OptionRules<CrashingStorageOptions, 'moment'> = {
  recording: integer({ least: 1 }),
  moment: oneOf(moments.crash, 'after'),
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
  const counts = { recordings: newCount(), crashedAt: newCount() };
  let crash: MetFault | undefined;
  const description = withFaults(storage, {
    plan: { faults: recording === undefined ? [] : [{ recording, moment, fault: 'crash' }] },
    counts,
    listener: {
      onFault: (met) => {
        crash = met;
      },
    },
    inOneThread: 'crashingStorage()',
  });
  return {
    ...description,
    get recordings() {
      return Atomics.load(new Int32Array(counts.recordings), 0);
    },
    get crash() {
      return crash;
    },
  };
}
