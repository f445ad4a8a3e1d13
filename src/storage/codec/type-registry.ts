import { Personal } from '../../domain/personal.ts';
import { builtInTypes } from './built-in-types.ts';
import { assertCustomType, type CustomType, InvalidCustomTypeError } from './custom-type.ts';
import type { PersonalType } from './personal-type.ts';
import { bigintTag, negativeZeroTag, objectTag, personalTag, undefinedTag } from './tags.ts';

const reservedNames: readonly unknown[] = [
  '',
  undefinedTag,
  negativeZeroTag,
  bigintTag,
  objectTag,
  personalTag,
];
const reservedPrototypes: readonly unknown[] = [Object.prototype, Array.prototype, Function.prototype];

/** The built-in and custom types of a transcoder. */
export class TypeRegistry {
  readonly #byName = new Map<unknown, CustomType>();
  readonly #byPrototype = new Map<unknown, CustomType>();

  /** @throws {@link InvalidCustomTypeError} if a name or class is missing, built in, or given twice. */
  constructor(customTypes: readonly CustomType[], personal?: PersonalType) {
    if (personal !== undefined) this.#set(personalTag, Personal.prototype, personal);
    for (const type of [...builtInTypes, ...customTypes]) this.#add(type);
  }

  named(name: unknown): CustomType | undefined {
    return this.#byName.get(name);
  }

  /** Returns the type whose class has exactly this prototype. */
  withPrototype(prototype: unknown): CustomType | undefined {
    return this.#byPrototype.get(prototype);
  }

  #add(type: CustomType): void {
    assertCustomType(type);
    const { name } = type;
    const prototype: unknown = type.type?.prototype;
    if (typeof name !== 'string' || reservedNames.includes(name)) {
      throw new InvalidCustomTypeError(name, 'the name is reserved or empty; choose another name');
    }
    if (this.#byName.has(name))
      throw new InvalidCustomTypeError(name, 'another type has this name; choose another name');
    if (typeof prototype !== 'object' || prototype === null || reservedPrototypes.includes(prototype)) {
      throw new InvalidCustomTypeError(name, "its 'type' must be a class other than Object and Array");
    }
    const rival = this.#byPrototype.get(prototype);
    if (rival)
      throw new InvalidCustomTypeError(
        name,
        `type '${rival.name}' already has its class; register each class once`,
      );
    this.#set(name, prototype, type);
  }

  #set(name: string, prototype: object, type: CustomType): void {
    this.#byName.set(name, type);
    this.#byPrototype.set(prototype, type);
  }
}
