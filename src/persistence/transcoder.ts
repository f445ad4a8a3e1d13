import { messageOf } from '../util/errors.ts';
import type { CustomType } from './custom-type.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { NotDecodableError } from './transcoder-errors.ts';
import { TypeRegistry } from './type-registry.ts';

export { NotDecodableError, NotEncodableError } from './transcoder-errors.ts';

/**
 * Encodes data as JSON text and back, losing nothing: what cannot come back as it is, is refused. Accepted are null,
 * booleans, strings, finite numbers, bigints, undefined, plain objects, arrays, Date, Map, Set, Uint8Array and the
 * custom types given.
 */
export class Transcoder {
  readonly #types: TypeRegistry;

  /** @throws InvalidCustomTypeError if a name or class is given twice, is missing, or is built in. */
  constructor(types: readonly CustomType[] = []) {
    this.#types = new TypeRegistry(types);
  }

  /** @throws NotEncodableError if something in the value would not come back as it is. */
  encode(value: unknown): string {
    return JSON.stringify(new Encoder(this.#types).toJson(value));
  }

  /**
   * Gives the value encoded, its plain objects and arrays frozen unless that is declined.
   *
   * @throws NotDecodableError if the text is not JSON, or holds a type that is unknown or malformed.
   */
  decode(text: string, { frozen = true }: { readonly frozen?: boolean } = {}): unknown {
    return new Decoder(this.#types, frozen).fromJson(parsed(text));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NotDecodableError(`it is not JSON: ${messageOf(cause)}`, { cause });
  }
}
