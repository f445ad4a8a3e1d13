import { oddityOf } from '../../domain/plain-data.ts';
import { messageOf } from '../../util/errors.ts';
import type { CustomType } from './custom-type.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { NotDecodableError } from './errors.ts';
import { parseJson } from './parse-json.ts';
import type { PersonalType } from './personal-type.ts';
import { tagKey } from './tags.ts';
import { TypeRegistry } from './type-registry.ts';

/**
 * Encodes data as JSON text and back without loss, and rejects values that cannot be restored exactly. Accepts null,
 * booleans, strings, finite numbers, bigints, undefined, plain objects, arrays, Date, Map, Set, Uint8Array, custom types
 * and, given their type, personal data.
 */
export class Transcoder {
  readonly #types: TypeRegistry;
  readonly #personal: PersonalType | undefined;
  readonly #frozen: Decoder;
  readonly #mutable: Decoder;

  /** @throws {@link InvalidCustomTypeError} if a name or class is missing, built in, or given twice. */
  constructor(types: readonly CustomType[] = [], personal?: PersonalType) {
    this.#types = new TypeRegistry(types, personal);
    this.#personal = personal;
    this.#frozen = new Decoder(this.#types, true);
    this.#mutable = new Decoder(this.#types, false);
  }

  /** @throws {@link NotEncodableError} if part of the value cannot be restored exactly. */
  encode(value: unknown): string {
    if (isFlat(value)) return JSON.stringify(value);
    this.#personal?.beginEncoding();
    const json = new Encoder(this.#types).toJson(value);
    this.#personal?.endEncoding();
    return JSON.stringify(json);
  }

  /**
   * Returns a value as it is restored after it was encoded: a copy whose plain objects and arrays are frozen.
   *
   * @throws {@link NotEncodableError} if part of the value cannot be restored exactly.
   */
  exactCopy(value: unknown): unknown {
    if (isFlat(value)) return Object.freeze({ ...(value as object) });
    const copy = () => this.decode(this.encode(value));
    return this.#personal === undefined ? copy() : this.#personal.copying(copy);
  }

  /**
   * Decodes a text. Plain objects and arrays are frozen by default.
   *
   * @throws {@link NotDecodableError} if the text is not JSON, or has an unknown or malformed type.
   */
  decode(text: string, { frozen = true }: { readonly frozen?: boolean } = {}): unknown {
    return (frozen ? this.#frozen : this.#mutable).fromJson(parsed(text));
  }
}

/** Returns whether a value is a plain object of JSON values only. Most data is flat and needs no walk. */
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

/** How texts begin that only a storage with encryption or compression restores. */
const sealed = /^e?z?1:/;

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    if (sealed.test(text)) {
      throw new NotDecodableError(
        'it is encrypted or compressed, so its storage must be opened with the options `encryption` and `compression` of ' +
          'its system',
      );
    }
    throw new NotDecodableError(`it is not JSON: ${messageOf(cause)}`, { cause });
  }
}
