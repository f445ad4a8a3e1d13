import { KahnError } from '../../util/errors.ts';

/**
 * How instances of a class are encoded. The encoded form is again anything a transcoder accepts; its plain
 * objects and arrays may come back frozen.
 */
export interface CustomType<T = unknown, E = unknown> {
  /** A durable name: it stands in the stored text, so it is never to be reused for something else. */
  readonly name: string;
  /** The class; instances of its subclasses are not of this type. */
  readonly type: { readonly prototype: T };
  encode(value: T): E;
  decode(encoded: E): T;
}

/**
 * Declares a custom type, inferring its type parameters.
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

/** A transcoder was given custom types that it cannot tell apart. */
export class InvalidCustomTypeError extends KahnError {
  override readonly code = 'INVALID_CUSTOM_TYPE';
  /** The name of the offending type. */
  readonly typeName: string;

  constructor(typeName: string, reason: string) {
    super(`Custom type '${typeName}' cannot be registered: ${reason}.`);
    this.typeName = typeName;
  }
}
