import { inspect } from 'node:util';
import { KahnError, kindOf } from '../../util/errors.ts';

/**
 * Encodes and decodes the instances of a class. The encoded form may hold anything that event data may hold. Its plain
 * objects and arrays may be frozen when they are decoded.
 */
export interface CustomType<T = unknown, E = unknown> {
  /** Durable name, which is part of the stored text: never use it for another type. */
  readonly name: string;
  /** The class. Instances of its subclasses are not of this type. */
  readonly type: { readonly prototype: T };
  encode(value: T): E;
  decode(encoded: E): T;
}

/**
 * Defines a custom type for the option `types`, and infers its type parameters.
 *
 * @throws {@link InvalidCustomTypeError} if `encode` or `decode` is not a function.
 * @example
 * const money = defineType({
 *   name: 'Money',
 *   type: Money,
 *   encode: (money) => money.cents,
 *   decode: (cents) => new Money(cents),
 * });
 */
export function defineType<T, E>(definition: {
  readonly name: string;
  readonly type: { readonly prototype: T };
  encode(value: NoInfer<T>): E;
  decode(encoded: NoInfer<E>): NoInfer<T>;
}): CustomType<T, E> {
  assertCustomType(definition);
  return definition;
}

/** Throws {@link InvalidCustomTypeError} unless a value has all parts of a custom type. */
export function assertCustomType(type: unknown): asserts type is CustomType {
  if (typeof type !== 'object' || type === null) {
    throw new InvalidCustomTypeError(undefined, `it is ${kindOf(type)}; make it with defineType({ … })`);
  }
  const { name, encode, decode } = type as Partial<CustomType>;
  for (const [part, value] of Object.entries({ encode, decode })) {
    if (typeof value === 'function') continue;
    throw new InvalidCustomTypeError(name, `its '${part}' must be a function, not ${kindOf(value)}`);
  }
}

/** The name or class of a custom type is invalid, or another type already has it. */
export class InvalidCustomTypeError extends KahnError {
  override readonly code = 'INVALID_CUSTOM_TYPE';
  declare readonly typeName: string;

  constructor(typeName: unknown, reason: string) {
    super(`Custom type ${inspect(typeName)} cannot be registered: ${reason}.`, { typeName });
  }
}
