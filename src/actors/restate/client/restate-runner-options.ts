import { assertNotReplaced } from '../../../application/resources/replaced-resources.ts';
import {
  defaultPollIntervalMs,
  pipelineIdsRule,
  type RunnerOptions,
  runnerOptions,
} from '../../../runner/runner-options.ts';
import { durationMs, flag } from '../../../util/option-rules.ts';
import {
  InvalidOptionError,
  type OptionRules,
  type ResolvedOptions,
  resolveOptions,
} from '../../../util/options.ts';
import { httpHeaders, httpUrl } from '../engine/http-options.ts';
import { actorNameRule, systemActorNameOf } from '../protocol/actor-names.ts';

/** Options of processing, which belong to the service. */
const serviceOptions = ['batchSize', 'useDirectQueryIfAvailable'] as const;

/** Options of {@link RestateRunner.start}. Options of processing belong to the service. */
export interface RestateRunnerOptions
  extends Omit<RunnerOptions, 'batchSize' | 'useDirectQueryIfAvailable' | 'pollIntervalMs'> {
  /** URL at which the engine accepts calls. @default 'http://localhost:8080' */
  readonly ingressUrl?: string;
  /**
   * URL of the engine's admin API. With it, a start checks the version of the engine, and cancels calls that no service
   * answers.
   *
   * @default none: a start does neither
   */
  readonly adminUrl?: string;
  /** HTTP headers of every request to the engine, such as `authorization`; never shown. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Interval at which actors read the logs even without a prompt, in ms, on any storage. @default 5_000 */
  readonly pollIntervalMs?: number;
  /** Name under which services serve the system. @default the name of the system */
  readonly systemActorName?: string;
  /** Pipelines to run, all in the same engine. @default [0] */
  readonly pipelineIds?: readonly number[];
  /** Whether `close()` stops the actors, too; otherwise they continue without a runner. @default false */
  readonly shutdownOnClose?: boolean;
}

type DefaultedOption =
  | 'setupTables'
  | 'cacheSize'
  | 'drainTimeoutMs'
  | 'undeclaredEvents'
  | 'ingressUrl'
  | 'headers'
  | 'pollIntervalMs'
  | 'pipelineIds'
  | 'shutdownOnClose';

/** The options with defaults, and the name of the actors. */
export type ResolvedRestateRunnerOptions = ResolvedOptions<RestateRunnerOptions, DefaultedOption> & {
  readonly systemActorName: string;
};

const { batchSize: _, useDirectQueryIfAvailable: __, ...commonRules } = runnerOptions;

export const restateRunnerOptions: OptionRules<RestateRunnerOptions, DefaultedOption> = {
  ...commonRules,
  ingressUrl: httpUrl('http://localhost:8080'),
  adminUrl: httpUrl(),
  headers: httpHeaders(),
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  systemActorName: actorNameRule(),
  pipelineIds: pipelineIdsRule,
  shutdownOnClose: flag(false),
};

/** Checks the options and fills in defaults. Throws {@link InvalidOptionError}. */
export function resolveRestateRunnerOptions(
  options: RestateRunnerOptions,
  systemName: string,
): ResolvedRestateRunnerOptions {
  const misplaced = serviceOptions.find((name) => Object.hasOwn(options ?? {}, name));
  if (misplaced !== undefined) {
    throw new InvalidOptionError(
      `Option '${misplaced}' belongs to RestateService.start(), because services process the events.`,
    );
  }
  const resolved = resolveOptions(options, restateRunnerOptions, 'RestateRunner.start()');
  assertNotReplaced(resolved.resources, 'RestateRunner', 'services');
  return { ...resolved, systemActorName: systemActorNameOf(resolved.systemActorName, systemName) };
}
