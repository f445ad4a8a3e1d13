/** The names of a system's actors, which are known to the whole engine. */
export interface ActorNames {
  readonly system: string;
  readonly pipeline: string;
  readonly coordinator: string;
  readonly worker: string;
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
export interface Place {
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** The key of a coordinator or worker. */
export function keyOf({ applicationName, pipelineId }: Place): string {
  return `${pipelineId}/${applicationName}`;
}

/** Whose key it is. */
export function placeOf(key: string): Place {
  const end = key.indexOf('/');
  return { applicationName: key.slice(end + 1), pipelineId: Number(key.slice(0, end)) };
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-zA-Z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
}
