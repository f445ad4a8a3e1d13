import type { RunnerOptions } from '../../runner/runner-options.ts';
import { durationMs, ruleOf } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';
import { isStorageChoice, type StorageChoice } from '../scenarios/storage-places.ts';

/** Options of {@link survivesEveryCrash}. */
export interface CrashesOptions<Opened extends object = object> {
  /**
   * Functions that return empty storage, by name, such as `{ PostgreSQL: () => postgres({ … }) }`. Called for each run.
   *
   * @default memory and a temporary SQLite file
   */
  readonly storages?: StorageChoice;
  /** Options of `run()`, such as `batchSize` and `resources`. @default those of `run()` */
  readonly runnerOptions?: Omit<RunnerOptions<Opened>, 'storage' | 'signal'>;
  /** Time after which no further crash is tried, in ms. @default 60_000 */
  readonly timeLimitMs?: number;
  /** Time within which each run must have caught up, in ms. @default 20_000 */
  readonly runTimeoutMs?: number;
}

export const crashesOptions: OptionRules<CrashesOptions, 'runnerOptions' | 'timeLimitMs' | 'runTimeoutMs'> = {
  storages: ruleOf('an object of functions that return storage', isStorageChoice),
  runnerOptions: ruleOf('an object', (value) => typeof value === 'object' && value !== null, {}),
  timeLimitMs: durationMs(1, 60_000),
  runTimeoutMs: durationMs(1, 20_000),
};
