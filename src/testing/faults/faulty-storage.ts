import { assertStorage, type StorageDescription } from '../../storage/storage.ts';
import { integer, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { withFaults } from './faulty-module.ts';
import { newSeed } from './random-numbers.ts';
import type { PassingFault } from './seeded-faults.ts';

const allFaults: readonly PassingFault[] = ['busy', 'lost race', 'lost answer', 'failed read'];

/** Options of {@link faultyStorage}. */
export interface FaultyStorageOptions {
  /** Seed of the faults, from 0 to 4,294,967,295. @default a random one */
  readonly seed?: number;
  /** Part of the calls that meet a fault, from 0 to 0.9. @default 0.1 */
  readonly rate?: number;
  /** Faults that calls may meet. @default all four */
  readonly faults?: readonly PassingFault[];
}

export const faultyStorageOptions: OptionRules<FaultyStorageOptions, 'rate' | 'faults'> = {
  seed: integer({ least: 0, most: 2 ** 32 - 1 }),
  rate: ruleOf(
    'a number from 0 to 0.9',
    (value) => typeof value === 'number' && value >= 0 && value <= 0.9,
    0.1,
  ),
  faults: ruleOf(
    `a list with some of ${allFaults.map((fault) => `'${fault}'`).join(', ')}`,
    (value) => Array.isArray(value) && value.length > 0 && value.every((one) => allFaults.includes(one)),
    allFaults,
  ),
};

/** A fault that a call of this thread has met. */
export interface GivenFault {
  readonly applicationName: string;
  readonly fault: PassingFault;
  /**
   * Whether the call was recorded, or what it was to record was rolled back or not begun. Only a lost answer may have been
   * recorded.
   */
  readonly isRecorded: boolean;
  /** What was to be recorded, such as "Order.Reserved, position 1 in 'reservations'"; undefined for reads. */
  readonly contents: string | undefined;
}

/** A storage some of whose calls fail. */
export interface FaultyStorage extends StorageDescription {
  /** Seed of the faults. */
  readonly seed: number;
  /** Faults that calls of this thread have met, the last 1,000 of them. */
  readonly given: readonly GivenFault[];
}

const mostGiven = 1_000;

/**
 * Describes a storage some of whose calls fail in passing: recordings are refused by a busy storage or a lost race, answers
 * are lost, also those of calls that have recorded nothing, and reads fail. A system must leave the same on record as without
 * faults. Saves reject, and followers retry, as on any storage in trouble.
 *
 * The same seed gives the same faults: what the n-th recording and the n-th read of an application meet does not depend on the
 * other calls. Faults begin with the first recording of events or a position after a start, because `start()` rejects at the
 * first failure. Runners with threads or processes may use the storage if they may use the one within.
 *
 * @throws {@link InvalidStorageError} if `storage` is not a description of storage.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @example
 * const storage = faultyStorage(memory(), { seed: 17, rate: 0.2, faults: ['busy', 'failed read'] });
 * await using runner = await run(shop, { storage });
 * const order = Order.place('ada');
 * while (!(await runner.get(Orders).save(order).then(() => true, () => false)));
 */
export function faultyStorage(
  storage: StorageDescription,
  options: FaultyStorageOptions = {},
): FaultyStorage {
  assertStorage(storage);
  const { seed = newSeed(), rate, faults } = resolveOptions(options, faultyStorageOptions, 'faultyStorage()');
  const given: GivenFault[] = [];
  const note = (one: GivenFault) => {
    given.push(one);
    if (given.length > mostGiven) given.shift();
  };
  const description = withFaults(storage, {
    plan: { random: { seed, rate, faults } },
    listener: {
      onFault: ({ applicationName, fault, moment, contents }) =>
        note({
          applicationName,
          fault: fault as PassingFault,
          isRecorded: moment === 'after',
          contents,
        }),
      onFailedRead: (applicationName) =>
        note({ applicationName, fault: 'failed read', isRecorded: false, contents: undefined }),
    },
  });
  return { ...description, seed, given };
}
