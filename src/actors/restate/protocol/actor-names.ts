import { defaultSystemName } from '../../../system/system.ts';
import { assertId } from '../../../util/ids.ts';
import { InvalidOptionError } from '../../../util/options.ts';

/** The names of a system's actors, which are known to the whole engine. */
export interface ActorNames {
  readonly system: string;
  readonly pipeline: string;
  readonly coordinator: string;
  readonly worker: string;
}

/**
 * Throws {@link InvalidOptionError} unless it can tell the actors of a system from those of others. What systems are
 * called that were not given a name cannot: they would take each other's actors for their own.
 */
export function assertActorName(name: unknown): asserts name is string {
  assertId(name, 'systemActorName');
  if (name !== defaultSystemName) return;
  throw new InvalidOptionError(
    'This system has no name that tells its actors from those of other systems in the engine: give it one by ' +
      "System.of(..., { name: 'shop' }), or as systemActorName to its runners and services.",
  );
}

/** The key of the one system actor. */
export const systemKey = 'system';

/** Different systems have different names, made of the characters that an engine allows. */
export function actorNames(systemActorName: string): ActorNames {
  const prefix = `kahn.${Array.from(Buffer.from(systemActorName), encodeByte).join('')}`;
  return {
    system: `${prefix}.SystemActor`,
    pipeline: `${prefix}.PipelineActor`,
    coordinator: `${prefix}.ProcessCoordinator`,
    worker: `${prefix}.ProcessWorker`,
  };
}

/** One application in one pipeline: for each, there is a coordinator and a worker. */
export interface ActorAddress {
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** The key of a coordinator or worker. */
export function actorKey({ applicationName, pipelineId }: ActorAddress): string {
  return `${pipelineId}/${applicationName}`;
}

/** Whose key it is. */
export function addressOfKey(key: string): ActorAddress {
  const end = key.indexOf('/');
  return { applicationName: key.slice(end + 1), pipelineId: Number(key.slice(0, end)) };
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-zA-Z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
}
