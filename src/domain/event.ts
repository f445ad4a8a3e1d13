/** `T` with every level read-only. */
export type DeepReadonly<T> = T extends (...args: never) => unknown
  ? T
  : T extends Date | Uint8Array
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
      : T extends ReadonlySet<infer V>
        ? ReadonlySet<DeepReadonly<V>>
        : T extends object
          ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
          : T;

/**
 * Something that happened to an aggregate. Declare an aggregate's events as a union, tagged by `type`: a
 * durable name, never to be reused for something else.
 *
 * @example
 * type OrderEvent =
 *   | DomainEvent<'Order.Created', { customer: string }>
 *   | DomainEvent<'Order.Paid', { paymentId: string }>;
 */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  /** Frozen; a copy of what was given to `trigger`. */
  readonly data: DeepReadonly<Data>;
  /** The id of the aggregate it happened to. */
  readonly originatorId: string;
  /** The version the aggregate has after it; the first is 1. */
  readonly originatorVersion: number;
  /** When it was triggered, in milliseconds since 1970. */
  readonly timestamp: number;
}

/** The members of the union `E` whose type is `Type`. */
export type EventOfType<E extends DomainEvent, Type extends string> = E extends unknown
  ? Type extends E['type']
    ? E
    : never
  : never;

/** What an event of `Type` carries. */
export type DataOf<E extends DomainEvent, Type extends string> = (E & { readonly type: Type })['data'];
