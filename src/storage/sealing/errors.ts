import { StorageError } from '../errors.ts';
import type { TextPlace } from './place.ts';

/** A recorded text is encrypted with a key that the key ring lacks. It can be read when the ring has the key again. */
export class KeyMissingError extends StorageError {
  /** Id of the key. */
  declare readonly keyId: string;
  /** What is encrypted: `content`, and the fields that tell where it is. */
  declare readonly place: TextPlace;

  constructor(applicationName: string, place: TextPlace, keyId: string, hasKeys: boolean) {
    const advice = hasKeys
      ? `return the key from the option 'keys' of encryption until nothing is encrypted with it`
      : 'open it with the option `encryption` of its system';
    super(
      'STORAGE_KEY_MISSING',
      applicationName,
      `${ownerOf(applicationName)} cannot decrypt the ${shown(place)}: it has no key '${keyId}'. To read it, ${advice}.`,
    );
    Object.assign(this, { keyId, place });
  }
}

/** A recorded text is not the one that was recorded at its place: it was changed, moved, cut or replaced. */
export class TamperedError extends StorageError {
  /** What was tampered with: `content`, and the fields that tell where it is. */
  declare readonly place: TextPlace;

  constructor(
    applicationName: string,
    place: TextPlace,
    problem: string,
    advice = 'Restore its storage from a backup.',
  ) {
    super(
      'STORAGE_TAMPERED',
      applicationName,
      `${ownerOf(applicationName)} refuses the ${shown(place)}: ${problem}. ${advice}`,
    );
    Object.assign(this, { place });
  }
}

/** The option `keys` of encryption threw, for example because a key service is away. */
export function keysUnavailable(applicationName: string, cause: string, thrown: unknown): StorageError {
  return new StorageError(
    'STORAGE_UNREACHABLE',
    applicationName,
    `${ownerOf(applicationName)} cannot use its storage: the option 'keys' of encryption failed: ${cause}`,
    { cause: thrown },
  );
}

function ownerOf(applicationName: string): string {
  return applicationName === '' ? 'kahn' : `Application '${applicationName}'`;
}

/** Describes a place, as in "data of an event (originatorId 'a', originatorVersion 1)". */
function shown({ content, ...fields }: TextPlace): string {
  const list = Object.entries(fields).map(([name, value]) => `${name} ${quoted(value)}`);
  return `${content} (${list.join(', ')})`;
}

function quoted(value: string | number): string {
  if (typeof value === 'number') return String(value);
  return `'${value.length > 60 ? `${value.slice(0, 60).toWellFormed()}…` : value}'`;
}
