/**
 * `T` with every level read-only. Branded primitives and instances of classes with private parts stay as they are: a
 * copy of their type would be another type.
 */
export type DeepReadonly<T> = T extends
  | (string | number | bigint | boolean | symbol | null | undefined)
  | (Date | Uint8Array | ((...args: never) => unknown))
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
    : T extends ReadonlySet<infer V>
      ? ReadonlySet<DeepReadonly<V>>
      : T extends // a tuple
            | readonly [unknown, ...unknown[]]
            | readonly [...unknown[], unknown]
            | readonly [unknown?, unknown?, unknown?, unknown?]
        ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
        : T extends readonly (infer V)[]
          ? readonly DeepReadonly<V>[] // unlike a mapped array, this may refer to itself, as JSON does
          : T extends object
            ? { [K in keyof T]: T[K] } extends T
              ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
              : T
            : T;

/**
 * An event of an aggregate. Declare the events of an aggregate as a union that is tagged by `type`, a durable name that
 * must never get another meaning.
 *
 * @example
 * type OrderEvent =
 *   | DomainEvent<'Order.Created', { customer: string }>
 *   | DomainEvent<'Order.Paid', { paymentId: string }>;
 */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  /** Frozen copy of the data that was passed to `trigger`. */
  readonly data: DeepReadonly<Data>;
  /** Id of the aggregate. */
  readonly originatorId: string;
  /** Version of the aggregate after the event; the first is 1. */
  readonly originatorVersion: number;
  /** Time when the event was triggered, in ms since 1970. */
  readonly timestamp: number;
}

/** Members of the union `E` whose type is `Type`. */
export type EventOfType<E extends DomainEvent, Type extends string> = E extends unknown
  ? Type extends E['type']
    ? E
    : never
  : never;

/** Data of the events of `Type`. */
export type DataOf<E extends DomainEvent, Type extends string> = (E & { readonly type: Type })['data'];
