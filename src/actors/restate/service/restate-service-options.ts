import { replacedRule } from '../../../application/resources/replaced-resources.ts';
import { runnerOptions } from '../../../runner/runner-options.ts';
import type { StorageDescription } from '../../../storage/storage.ts';
import { integer, ruleOf, secret } from '../../../util/option-rules.ts';
import { type OptionRules, type ResolvedOptions, resolveOptions } from '../../../util/options.ts';
import { actorNameRule, systemActorNameOf } from '../protocol/actor-names.ts';

/** Options of {@link RestateService.start}. */
export interface RestateServiceOptions<Opened extends object = object> {
  /** Storage of all applications, the same as that of the runners; not `memory()`. @default that of the system */
  readonly storage?: StorageDescription;
  /**
   * Name that distinguishes the actors from the actors of other systems in the engine.
   *
   * @default the name of the system
   */
  readonly systemActorName?: string;
  /** Port at which the service listens for the engine; 0 selects a free port. @default 9_080 */
  readonly port?: number;
  /** Address at which the service listens. @default all addresses */
  readonly hostname?: string;
  /**
   * Public keys of the engines that may call the service, each starting with `publickeyv1_`. Requests that are not
   * signed with one of these keys are rejected.
   *
   * @default signatures are not checked
   */
  readonly identityKeys?: readonly string[];
  /** Largest number of notifications that an application processes in one transaction. @default 500 */
  readonly batchSize?: number;
  /** Largest number of events in the cache of each application and pipeline. @default 10_000 */
  readonly cacheSize?: number;
  /** Whether applications read logs directly from the storage, instead of section by section. @default true */
  readonly useDirectQueryIfAvailable?: boolean;
  /** Time that `close()` gives running steps before it stops them, in ms. @default 10_000 */
  readonly drainTimeoutMs?: number;
  /** Resources that are used, and not closed, in place of those that the system defines. @default none */
  readonly resources?: Partial<Opened>;
  /** Cancels the start, while resources are opened. @default none */
  readonly signal?: AbortSignal;
}

type DefaultedOption = 'port' | 'batchSize' | 'cacheSize' | 'useDirectQueryIfAvailable' | 'drainTimeoutMs';

/** The options with defaults, and the name of the actors. */
export type ResolvedRestateServiceOptions = ResolvedOptions<RestateServiceOptions, DefaultedOption> & {
  readonly systemActorName: string;
};

const { storage, batchSize, cacheSize, useDirectQueryIfAvailable, drainTimeoutMs, signal } = runnerOptions;

export const restateServiceOptions: OptionRules<RestateServiceOptions, DefaultedOption> = {
  storage,
  systemActorName: actorNameRule(),
  port: integer({ least: 0, most: 65_535 }, 9_080),
  hostname: ruleOf('a string', (value) => typeof value === 'string'),
  // An empty array is rejected: with it, the SDK would accept every request.
  identityKeys: secret(
    ruleOf("a non-empty array of strings that start with 'publickeyv1_'", areIdentityKeys),
  ),
  batchSize,
  cacheSize,
  useDirectQueryIfAvailable,
  drainTimeoutMs,
  resources: replacedRule,
  signal,
};

/** Checks the options and fills in defaults. Throws {@link InvalidOptionError}. */
export function resolveRestateServiceOptions(
  options: RestateServiceOptions,
  systemName: string,
): ResolvedRestateServiceOptions {
  const resolved = resolveOptions(options, restateServiceOptions, 'RestateService.start()');
  return { ...resolved, systemActorName: systemActorNameOf(resolved.systemActorName, systemName) };
}

function areIdentityKeys(value: unknown): boolean {
  const isKey = (key: unknown) => typeof key === 'string' && key.startsWith('publickeyv1_');
  return Array.isArray(value) && value.length > 0 && value.every(isKey);
}
