import { defaultSystemName } from '../../../system/system.ts';
import { isId } from '../../../util/ids.ts';
import { ruleOf } from '../../../util/option-rules.ts';
import { InvalidOptionError, type OptionRule } from '../../../util/options.ts';
import { safeName } from '../../../util/safe-name.ts';

/** Service names of a system's actors, unique in an engine. */
export interface ActorNames {
  readonly system: string;
  readonly pipeline: string;
  readonly coordinator: string;
  readonly worker: string;
}

/** The rule of the option `systemActorName`. */
export function actorNameRule(): OptionRule<string, undefined> {
  return ruleOf('a non-empty string without NUL characters or unpaired surrogates', isId);
}

/**
 * Returns the name under which the actors of a system are registered: the option, or else the name of the system.
 *
 * @throws {@link InvalidOptionError} if neither is given, since systems without a name would share their actors.
 */
export function systemActorNameOf(option: string | undefined, systemName: string): string {
  const name = option ?? systemName;
  if (name !== defaultSystemName) return name;
  throw new InvalidOptionError(
    'The actors of a system without a name cannot be distinguished from other actors in the engine: ' +
      "name the system with System.of(..., { name: 'shop' }), or pass 'systemActorName' to its runners and services.",
  );
}

/** Key of the only system actor. */
export const systemKey = 'system';

/** Returns the service names of a system's actors, with the characters that an engine allows. */
export function actorNames(systemActorName: string): ActorNames {
  const prefix = `kahn.${safeName(systemActorName, { allowed: /[a-zA-Z0-9-]/, escapeWith: '_' })}`;
  return {
    system: `${prefix}.SystemActor`,
    pipeline: `${prefix}.PipelineActor`,
    coordinator: `${prefix}.ProcessCoordinator`,
    worker: `${prefix}.ProcessWorker`,
  };
}

/** An application in one pipeline; each has a coordinator and a worker. */
export interface ActorAddress {
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** Returns the key of the coordinator and the worker of an application in a pipeline. */
export function actorKey({ applicationName, pipelineId }: ActorAddress): string {
  return `${pipelineId}/${applicationName}`;
}

/** Returns the address that {@link actorKey} has encoded. */
export function addressOfKey(key: string): ActorAddress {
  const end = key.indexOf('/');
  return { applicationName: key.slice(end + 1), pipelineId: Number(key.slice(0, end)) };
}
