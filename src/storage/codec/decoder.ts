import { maxLevels } from '../../domain/plain-data.ts';
import { messageOf } from '../../util/errors.ts';
import type { CustomType } from './custom-type.ts';
import { NotDecodableError } from './errors.ts';
import { bigintTag, negativeZeroTag, objectTag, tagKey, undefinedTag } from './tags.ts';
import type { TypeRegistry } from './type-registry.ts';

/** Deepest nesting of text: two levels for each level of the value, and one for the tag of a bigint. */
const maxTextLevels = 2 * maxLevels + 1;

/** Turns parsed JSON into the value that was encoded, in place. */
export class Decoder {
  readonly #types: TypeRegistry;
  readonly #frozen: boolean;

  constructor(types: TypeRegistry, frozen: boolean) {
    this.#types = types;
    this.#frozen = frozen;
  }

  /** @throws {@link NotDecodableError} if the JSON has an unknown or malformed tag. */
  fromJson(json: unknown, level = 1): unknown {
    if (typeof json !== 'object' || json === null) return json;
    if (level > maxTextLevels)
      throw new NotDecodableError(`it is nested deeper than ${maxTextLevels} levels`);
    if (Array.isArray(json)) return this.#array(json, level);
    return Object.hasOwn(json, tagKey)
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

  /** Sets existing keys only, so that '__proto__' is harmless. */
  #object(json: Fields, level: number): unknown {
    for (const key of Object.keys(json)) {
      const value = this.fromJson(json[key], level + 1);
      if (value !== json[key]) json[key] = value;
    }
    return this.#frozen ? Object.freeze(json) : json;
  }

  #tagged(json: Fields, level: number): unknown {
    const tag = json[tagKey];
    const hasValue = Object.hasOwn(json, 'value');
    if (Object.keys(json).length !== (hasValue ? 2 : 1)) throw malformed(tag);
    if (tag === undefinedTag || tag === negativeZeroTag) {
      if (hasValue) throw malformed(tag);
      return tag === undefinedTag ? undefined : -0;
    }
    if (tag === bigintTag) return bigintFrom(json.value);
    if (tag === objectTag) return this.#escaped(json.value, level + 1);
    const type = this.#types.named(tag);
    if (type === undefined) throw unknownType(tag);
    if (!hasValue) throw malformed(tag);
    return decoded(type, this.fromJson(json.value, level + 1));
  }

  #escaped(json: unknown, level: number): unknown {
    if (typeof json !== 'object' || json === null || !Object.hasOwn(json, tagKey)) throw malformed(objectTag);
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
  if (typeof text !== 'string' || !/^(0|-?[1-9]\d*)$/.test(text)) throw malformed(bigintTag);
  return BigInt(text);
}

function unknownType(tag: unknown): NotDecodableError {
  return new NotDecodableError(
    `its type ${JSON.stringify(tag)} is unknown: see defineType and System.of(…, { types })`,
    typeof tag === 'string' ? { typeName: tag } : {},
  );
}

function malformed(tag: unknown): NotDecodableError {
  return new NotDecodableError(`a value tagged ${JSON.stringify(tag)} is malformed`);
}
