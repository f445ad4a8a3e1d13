import { longArrayLength, maxLevels, oddityOf } from '../../domain/plain-data.ts';
import { prototypeOf } from '../../domain/realms.ts';
import { messageOf } from '../../util/errors.ts';
import { builtInTypes } from './built-in-types.ts';
import type { CustomType } from './custom-type.ts';
import { NotEncodableError } from './errors.ts';
import { bigintTag, negativeZeroTag, objectTag, tagKey, undefinedTag } from './tags.ts';
import type { TypeRegistry } from './type-registry.ts';
import { pathText, type Step } from './value-path.ts';

/** Turns one value into JSON. Plain JSON in it is not copied. */
export class Encoder {
  readonly #types: TypeRegistry;
  /** Path to the value that is being encoded: the containers around it, and the step taken in each. */
  readonly #containers: object[] = [];
  readonly #steps: Step[] = [];

  constructor(types: TypeRegistry) {
    this.#types = types;
  }

  /** @throws {@link NotEncodableError} if part of the value cannot be restored exactly. */
  toJson(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return this.#number(value);
      case 'object':
        return value === null ? null : this.#container(value);
      case 'undefined':
        return { [tagKey]: undefinedTag };
      case 'bigint':
        return { [tagKey]: bigintTag, value: `${value}` };
      default:
        throw this.#refusal(`it is a ${typeof value}, which is not data; leave it out`);
    }
  }

  #number(value: number): unknown {
    if (!Number.isFinite(value)) throw this.#refusal(`it is ${value}; use null or a string instead`);
    return Object.is(value, -0) ? { [tagKey]: negativeZeroTag } : value;
  }

  #container(value: object): unknown {
    if (this.#containers.includes(value))
      throw this.#refusal('it contains itself; refer to it by an id instead');
    if (this.#containers.length === maxLevels) {
      throw this.#refusal(`it is nested deeper than ${maxLevels} levels; flatten it`);
    }
    const type = this.#types.withPrototype(prototypeOf(value));
    if (type === undefined || builtInTypes.includes(type)) this.#refuseOddity(value);
    const depth = this.#containers.push(value) - 1;
    const json = type ? this.#instance(value, type, depth) : this.#plain(value, depth);
    this.#containers.pop();
    return json;
  }

  #plain(value: object, depth: number): unknown {
    return Array.isArray(value) ? this.#array(value, depth) : this.#object(value as Fields, depth);
  }

  #array(value: readonly unknown[], depth: number): unknown {
    // JSON.stringify takes twice as long for a frozen array.
    let copy = value.length > longArrayLength && Object.isFrozen(value) ? [...value] : undefined;
    for (let index = 0; index < value.length; index++) {
      this.#steps[depth] = index;
      const json = this.toJson(value[index]);
      if (json === value[index]) continue;
      copy ??= [...value];
      copy[index] = json;
    }
    return copy ?? value;
  }

  #object(value: Fields, depth: number): unknown {
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(value)) {
      this.#steps[depth] = key;
      const json = this.toJson(value[key]);
      if (json === value[key]) continue;
      // The copy has the key already, so that setting '__proto__' sets a field only.
      copy ??= { ...value };
      copy[key] = json;
    }
    const json = copy ?? value;
    return Object.hasOwn(value, tagKey) ? { [tagKey]: objectTag, value: json } : json;
  }

  #instance(value: object, type: CustomType, depth: number): unknown {
    const encoded = this.#encoded(value, type);
    this.#steps[depth] = type.name;
    return { [tagKey]: type.name, value: this.toJson(encoded) };
  }

  #encoded(value: object, type: CustomType): unknown {
    try {
      return type.encode(value);
    } catch (cause) {
      // The instance has taken no step yet, so the path is that of the instance.
      this.#containers.pop();
      throw this.#refusal(`its type '${type.name}' failed to encode it: ${messageOf(cause)}`, cause);
    }
  }

  #refuseOddity(value: object): void {
    const oddity = oddityOf(value);
    if (oddity === undefined) return;
    if (oddity.key !== undefined) this.#steps[this.#containers.push(value) - 1] = oddity.key;
    throw this.#refusal(oddity.reason);
  }

  #refusal(reason: string, cause?: unknown): NotEncodableError {
    return new NotEncodableError(pathText(this.#containers, this.#steps), reason, { cause });
  }
}

type Fields = Readonly<Record<string, unknown>>;
