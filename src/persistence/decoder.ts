import { MAX_LEVELS } from '../domain/plain-data.ts';
import { messageOf } from '../util/errors.ts';
import type { CustomType } from './custom-type.ts';
import { BIGINT, NEGATIVE_ZERO, OBJECT, TAG, UNDEFINED } from './tag.ts';
import { NotDecodableError } from './transcoder-errors.ts';
import type { TypeRegistry } from './type-registry.ts';

/** Every level of a value takes at most two in its text, and one more may tag a bigint. */
const MAX_TEXT_LEVELS = 2 * MAX_LEVELS + 1;

/** Turns what JSON.parse gives into the value that was encoded, in place. */
export class Decoder {
  readonly #types: TypeRegistry;
  readonly #frozen: boolean;

  constructor(types: TypeRegistry, frozen: boolean) {
    this.#types = types;
    this.#frozen = frozen;
  }

  /** @throws NotDecodableError if it holds a tag that is unknown or malformed. */
  fromJson(json: unknown, level = 1): unknown {
    if (typeof json !== 'object' || json === null) return json;
    if (level > MAX_TEXT_LEVELS)
      throw new NotDecodableError(`it is nested deeper than ${MAX_TEXT_LEVELS} levels`);
    if (Array.isArray(json)) return this.#array(json, level);
    return Object.hasOwn(json, TAG)
      ? this.#tagged(json as Fields, level)
      : this.#object(json as Fields, level);
  }

  #array(json: unknown[], level: number): unknown {
    for (let index = 0; index < json.length; index++) {
      const value = this.fromJson(json[index], level + 1);
      if (value !== json[index]) json[index] = value;
    }
    return this.#frozen ? Object.freeze(json) : json;
  }

  /** Sets only keys that are there already, so even '__proto__' is harmless. */
  #object(json: Fields, level: number): unknown {
    for (const key of Object.keys(json)) {
      const value = this.fromJson(json[key], level + 1);
      if (value !== json[key]) json[key] = value;
    }
    return this.#frozen ? Object.freeze(json) : json;
  }

  #tagged(json: Fields, level: number): unknown {
    const tag = json[TAG];
    const hasValue = Object.hasOwn(json, 'value');
    if (Object.keys(json).length !== (hasValue ? 2 : 1)) throw malformed(tag);
    if (tag === UNDEFINED || tag === NEGATIVE_ZERO) {
      if (hasValue) throw malformed(tag);
      return tag === UNDEFINED ? undefined : -0;
    }
    if (tag === BIGINT) return bigintFrom(json.value);
    if (tag === OBJECT) return this.#escaped(json.value, level + 1);
    const type = this.#types.named(tag);
    if (type === undefined)
      throw new NotDecodableError(`its type ${JSON.stringify(tag)} is unknown; register it`);
    if (!hasValue) throw malformed(tag);
    return decoded(type, this.fromJson(json.value, level + 1));
  }

  #escaped(json: unknown, level: number): unknown {
    if (typeof json !== 'object' || json === null || !Object.hasOwn(json, TAG)) throw malformed(OBJECT);
    return this.#object(json as Fields, level);
  }
}

type Fields = Record<string, unknown>;

function decoded(type: CustomType, encoded: unknown): unknown {
  try {
    return type.decode(encoded);
  } catch (cause) {
    const reason = `its type '${type.name}' failed to decode a value: ${messageOf(cause)}`;
    throw new NotDecodableError(reason, { cause });
  }
}

function bigintFrom(text: unknown): bigint {
  if (typeof text !== 'string' || !/^(0|-?[1-9]\d*)$/.test(text)) throw malformed(BIGINT);
  return BigInt(text);
}

function malformed(tag: unknown): NotDecodableError {
  return new NotDecodableError(`a value tagged ${JSON.stringify(tag)} is malformed`);
}
