import type { ApplicationClass } from '../../application/application.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import { durationMs, ruleOf, secret } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';
import { isStorageChoice, type StorageChoice } from '../scenarios/storage-places.ts';
import type { StartRunner } from './runner-kinds.ts';

/** Options of {@link equivalent}. */
export interface EquivalenceOptions<
  Apps extends ApplicationClass = ApplicationClass,
  Opened extends object = object,
> {
  /**
   * URL of a PostgreSQL database, in which each run makes a schema and drops it.
   *
   * @default `DATABASE_URL`, or the server of `PGHOST` and the other variables of PostgreSQL, if they are set
   */
  readonly connectionString?: string;
  /**
   * Functions that return empty storage, by name, in place of the default storages. Called for each run.
   *
   * @default memory, a temporary SQLite file and PostgreSQL
   */
  readonly storages?: StorageChoice;
  /**
   * Functions that start further runners, by name, with a system that is bound to the storage, such as
   * `{ RestateRunner: (system) => RestateRunner.start(system, { ingressUrl }) }`.
   *
   * @default none
   */
  readonly otherRunners?: Readonly<Record<string, StartRunner<Apps>>>;
  /** Options of all runners, such as `batchSize`. `resources` leaves out runners with workers. @default their defaults */
  readonly runnerOptions?: Omit<RunnerOptions<Opened>, 'storage' | 'signal'>;
  /** Time after which no further run begins, in ms. @default 120_000 */
  readonly timeLimitMs?: number;
  /** Time within which each run must have caught up, in ms. @default 60_000 */
  readonly runTimeoutMs?: number;
}

type DefaultedOption = 'otherRunners' | 'runnerOptions' | 'timeLimitMs' | 'runTimeoutMs';

export const equivalenceOptions: OptionRules<EquivalenceOptions, DefaultedOption> = {
  connectionString: secret(ruleOf('a string', (value) => typeof value === 'string')),
  storages: ruleOf('an object of functions that return storage', isStorageChoice),
  otherRunners: ruleOf('an object of functions that start runners', isObjectOfFunctions, {}),
  runnerOptions: ruleOf('an object', (value) => typeof value === 'object' && value !== null, {}),
  timeLimitMs: durationMs(1, 120_000),
  runTimeoutMs: durationMs(1, 60_000),
};

function isObjectOfFunctions(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((start) => typeof start === 'function')
  );
}
