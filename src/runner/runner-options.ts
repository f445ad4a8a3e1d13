import { storageRule } from '../application/application-binding.ts';
import { batchSizeRule } from '../application/following/batches/batch-size.ts';
import { openStoreOptions } from '../application/open-store.ts';
import { replacedRule } from '../application/resources/replaced-resources.ts';
import type { StorageDescription } from '../storage/storage.ts';
import { isPipelineId } from '../util/ids.ts';
import { abortSignal, durationMs, flag, oneOf, ruleOf } from '../util/option-rules.ts';
import type { OptionRule, OptionRules, ResolvedOptions } from '../util/options.ts';

/** Options of every runner. */
export interface RunnerOptions<Opened extends object = object> {
  /** Storage of all applications. @default the storage that the system is bound to, else `memory()` */
  readonly storage?: StorageDescription;
  /** Whether missing tables are created. @default true */
  readonly setupTables?: boolean;
  /** Largest number of notifications that a follower processes in one transaction. @default 500 */
  readonly batchSize?: number;
  /** Largest number of events in the cache of each application and pipeline; 0 turns the cache off. @default 10_000 */
  readonly cacheSize?: number;
  /**
   * Whether followers read logs directly from the storage: as many notifications at once as a batch takes, and what was
   * just recorded from memory. Otherwise they read section by section, as logs of other hosts are read.
   *
   * @default true
   */
  readonly useDirectQueryIfAvailable?: boolean;
  /**
   * Interval at which logs are read even without a prompt, in ms.
   *
   * @default 5_000 with worker threads or processes and on storage that sends prompts between processes, such as
   * `postgres()`; otherwise logs are not polled
   */
  readonly pollIntervalMs?: number;
  /** Time that `close()` gives work under way before it stops that work, in ms. @default 10_000 */
  readonly drainTimeoutMs?: number;
  /**
   * What happens if logs hold events of types that their applications do not declare, in any version of the types: 'warn'
   * counts events in the background after the start, and emits a process warning; 'refuse' counts all events first, and
   * throws {@link UndeclaredTypesError}; 'ignore' counts nothing.
   *
   * @default 'warn'
   */
  readonly undeclaredEvents?: 'ignore' | 'warn' | 'refuse';
  /**
   * Resources that are used, and not closed, in place of those that the system defines, as in tests. Refused by runners
   * whose applications run in worker threads, processes or services.
   *
   * @default none
   */
  readonly resources?: Partial<Opened>;
  /** Cancels the start: everything that was opened is closed again. @default none */
  readonly signal?: AbortSignal;
}

/** Names of the options of every runner that have a default. */
export type DefaultedRunnerOption =
  | 'setupTables'
  | 'batchSize'
  | 'cacheSize'
  | 'useDirectQueryIfAvailable'
  | 'drainTimeoutMs'
  | 'undeclaredEvents';

/** Options of every runner with the defaults filled in. */
export type ResolvedRunnerOptions = ResolvedOptions<RunnerOptions, DefaultedRunnerOption>;

/** Poll interval of runners with workers, and of other runners on storage that sends prompts, in ms. */
export const defaultPollIntervalMs = 5_000;

export const runnerOptions: OptionRules<RunnerOptions, DefaultedRunnerOption> = {
  storage: storageRule,
  setupTables: openStoreOptions.setupTables,
  batchSize: batchSizeRule,
  cacheSize: openStoreOptions.cacheSize,
  useDirectQueryIfAvailable: flag(true),
  pollIntervalMs: durationMs(1),
  drainTimeoutMs: durationMs(0, 10_000),
  undeclaredEvents: oneOf(['ignore', 'warn', 'refuse'], 'warn'),
  resources: replacedRule,
  signal: abortSignal(),
};

/** Rule of the option `pipelineIds`: by default, only pipeline 0 is run. */
export const pipelineIdsRule: OptionRule<readonly number[], readonly number[]> = ruleOf(
  'an array of distinct pipeline ids, at least one, each an integer from 0 to 2147483647',
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every(isPipelineId),
  [0],
);
