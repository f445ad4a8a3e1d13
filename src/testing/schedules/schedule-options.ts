import type { RunnerOptions } from '../../runner/runner-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import { durationMs, integer, ruleOf } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';

/** Options of {@link anySchedule}. */
export interface AnyScheduleOptions<Opened extends object = object> {
  /** Number of schedules. @default 100 */
  readonly runs?: number;
  /** Seed of the first schedule; each further one has the next seed. @default a random one */
  readonly seed?: number;
  /** Makes an empty storage for each run. @default memory() */
  readonly storage?: () => StorageDescription;
  /** Options of all runners, such as `batchSize`. `resources` leaves out threads. @default their defaults */
  readonly runnerOptions?: Omit<RunnerOptions<Opened>, 'storage' | 'signal'>;
  /** Longest time of one run, in ms. @default 60_000 */
  readonly runTimeoutMs?: number;
}

export const anyScheduleOptions: OptionRules<AnyScheduleOptions, 'runs' | 'runnerOptions' | 'runTimeoutMs'> =
  {
    runs: integer({ least: 1 }, 100),
    seed: integer({ least: 0, most: 2 ** 32 - 1 }),
    storage: ruleOf('a function that returns a storage', (value) => typeof value === 'function'),
    runnerOptions: ruleOf('an object', (value) => typeof value === 'object' && value !== null, {}),
    runTimeoutMs: durationMs(1, 60_000),
  };
