import type { SystemGraph } from '../../../system/graph.ts';
import { hash } from '../../../util/environment/hash.ts';
import { abortSignal, flag, required } from '../../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../../util/options.ts';
import { ActorsMismatchError } from '../errors.ts';
import { actorNames } from '../protocol/actor-names.ts';
import { isUnregistered, metadataOf, registerService } from './engine-client.ts';
import { httpHeaders, httpUrl } from './http-options.ts';

/** Options of {@link RestateService.register}. */
export interface RegisterOptions {
  /** URL of the engine's admin API, such as `http://engine:9070`. */
  readonly adminUrl: string;
  /** URL at which the engine reaches the service. */
  readonly serviceUrl: string;
  /** Whether to replace a registration under this name or at this URL. @default false */
  readonly force?: boolean;
  /** HTTP headers of every request to the engine, such as `authorization`; never shown. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Cancels the registration. @default none */
  readonly signal?: AbortSignal;
}

export const registerOptions: OptionRules<RegisterOptions, 'force' | 'headers'> = {
  adminUrl: required(httpUrl()),
  serviceUrl: required(httpUrl()),
  force: flag(false),
  headers: httpHeaders(),
  signal: abortSignal(),
};

const metadataKey = 'kahn.graph';

/** Returns the metadata that distinguishes systems in an engine: a hash of their graph. */
export function graphMetadata(graph: SystemGraph): Record<string, string> {
  return { [metadataKey]: hash('sha256', JSON.stringify(graph)) };
}

/** Registers the service of a system. Throws the errors of {@link RestateService.register}. */
export async function register(
  systemActorName: string,
  graph: SystemGraph,
  options: RegisterOptions,
): Promise<void> {
  const { adminUrl, serviceUrl, force, headers, signal } = resolveOptions(
    options,
    registerOptions,
    'RestateService.register()',
  );
  const service = actorNames(systemActorName).system;
  const served = await metadataOf(adminUrl, service, { headers, signal }).catch(orUndefinedIfUnknown);
  if (!force && served !== undefined && served[metadataKey] !== graphMetadata(graph)[metadataKey]) {
    throw new ActorsMismatchError(
      `The engine at ${adminUrl} knows a system '${systemActorName}' with other applications or events. If that is ` +
        'another system, give one of them another name. If this is its new version, register it with force: true at ' +
        'a URL of its own.',
    );
  }
  await registerService(adminUrl, new URL(serviceUrl).href, force, { headers, signal });
}

function orUndefinedIfUnknown(error: unknown): undefined {
  if (isUnregistered(error)) return undefined;
  throw error;
}
