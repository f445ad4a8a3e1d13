import { KahnError } from '../../util/errors.ts';

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
  return definition;
}

/** The name or class of a custom type is invalid, or another type already has it. */
export class InvalidCustomTypeError extends KahnError {
  override readonly code = 'INVALID_CUSTOM_TYPE';
  declare readonly typeName: string;

  constructor(typeName: string, reason: string) {
    super(`Custom type '${typeName}' cannot be registered: ${reason}.`, { typeName });
  }
}
