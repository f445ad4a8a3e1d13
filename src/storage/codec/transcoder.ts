import { oddityOf } from '../../domain/plain-data.ts';
import { messageOf } from '../../util/errors.ts';
import type { CustomType } from './custom-type.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { NotDecodableError } from './errors.ts';
import { tagKey } from './tags.ts';
import { TypeRegistry } from './type-registry.ts';

export { NotDecodableError, NotEncodableError } from './errors.ts';

/**
 * Encodes data as JSON text and back, losing nothing: what cannot come back as it is, is refused. Accepted
 * are null, booleans, strings, finite numbers, bigints, undefined, plain objects, arrays, Date, Map, Set,
 * Uint8Array and the custom types given.
 */
export class Transcoder {
  readonly #types: TypeRegistry;
  readonly #freezing: Decoder;
  readonly #thawed: Decoder;

  /** @throws InvalidCustomTypeError if a name or class is given twice, is missing, or is built in. */
  constructor(types: readonly CustomType[] = []) {
    this.#types = new TypeRegistry(types);
    this.#freezing = new Decoder(this.#types, true);
    this.#thawed = new Decoder(this.#types, false);
  }

  /** @throws NotEncodableError if something in the value would not come back as it is. */
  encode(value: unknown): string {
    return JSON.stringify(isFlat(value) ? value : new Encoder(this.#types).toJson(value));
  }

  /**
   * Gives the value encoded, its plain objects and arrays frozen unless that is declined.
   *
   * @throws NotDecodableError if the text is not JSON, or holds a type that is unknown or malformed.
   */
  decode(text: string, { frozen = true }: { readonly frozen?: boolean } = {}): unknown {
    return (frozen ? this.#freezing : this.#thawed).fromJson(parsed(text));
  }
}

/** Whether it is a plain object with nothing in it but what JSON has: most data is, and needs no walk. */
function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype || oddityOf(value) !== undefined) return false;
  for (const key in value) {
    if (key === tagKey || !isJson((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function isJson(field: unknown): boolean {
  switch (typeof field) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(field) && !Object.is(field, -0);
    default:
      return field === null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NotDecodableError(`it is not JSON: ${messageOf(cause)}`, { cause });
  }
}
