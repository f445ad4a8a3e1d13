import { hash } from 'node:crypto';
import type { SystemGraph } from '../../../system/graph.ts';
import { assertOptions, InvalidOptionError } from '../../../util/options.ts';
import { assertHeaders, urlOf } from '../client/restate-runner-options.ts';
import { ActorsMismatchError, EngineError } from '../errors.ts';
import { actorNames } from '../protocol/actor-names.ts';
import { metadataOf, registerService } from './engine-client.ts';

/** How a service is registered with an engine. */
export interface RegisterOptions {
  /** Where the engine is administered. */
  readonly adminUrl: string;
  /** Where the engine finds the service. */
  readonly serviceUrl: string;
  /** Whether something else than before may be served by this name, or at this URL; false by default. */
  readonly force?: boolean;
  /** What every request to the engine carries besides, `authorization` for instance; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives up waiting for the engine. */
  readonly signal?: AbortSignal;
}

const key = 'kahn.graph';

/** Tells systems of an engine apart, in what it knows of their actors. */
export function graphMetadata(graph: SystemGraph): Record<string, string> {
  return { [key]: hash('sha256', JSON.stringify(graph)) };
}

/** Registers a service of a system. Throws what {@link RestateService.register} throws. */
export async function register(
  name: string,
  graph: SystemGraph,
  registration: RegisterOptions,
): Promise<void> {
  assertOptions(registration, ['adminUrl', 'serviceUrl', 'force', 'headers', 'signal'], 'register()');
  const { force = false, headers = {}, signal } = registration;
  assertHeaders(headers);
  const adminUrl = urlOf('adminUrl', registration.adminUrl);
  const serviceUrl = urlOf('serviceUrl', registration.serviceUrl);
  if (typeof force !== 'boolean')
    throw new InvalidOptionError(`force must be true or false, but is ${String(force)}.`);
  const served = await metadataOf(adminUrl, actorNames(name).system, { headers, signal }).catch(orNothing);
  if (!force && served !== undefined && served[key] !== graphMetadata(graph)[key]) {
    throw new ActorsMismatchError(
      `The engine at ${adminUrl} knows a system '${name}' with other applications or events. If that is another ` +
        'system, give one of them another name; if this is its new version, register it with force: true, by a URL ' +
        'of its own.',
    );
  }
  await registerService(adminUrl, serviceUrl, force, { headers, signal });
}

/** That nothing is served is no error here. */
function orNothing(error: unknown): undefined {
  if (error instanceof EngineError && error.code === 'SERVICE_NOT_REGISTERED') return undefined;
  throw error;
}
