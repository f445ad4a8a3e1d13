import { types } from 'node:util';

/**
 * How deep data may be nested. A Map counts as three levels: itself, its list of entries, and an entry; a
 * Set as two.
 */
export const maxLevels = 1000;

/** Something about an object that a copy or an encoding of it would lose. */
export interface Oddity {
  /** The property it is about; none if it is about the object itself. */
  readonly key: string | number | symbol | undefined;
  /** What was found and what to do about it. */
  readonly reason: string;
}

/**
 * Tells why an object is not plain data: an object literal, array, Date, Map, Set or Uint8Array and nothing
 * more.
 */
export function oddityOf(value: object): Oddity | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  switch (prototype) {
    case Object.prototype:
      return oddPropertyOf(value);
    case Array.prototype:
      return Array.isArray(value) ? oddElementOf(value) : imitation('an array');
    case Date.prototype:
      return types.isDate(value) ? oddDate(value) : imitation('a Date');
    case Map.prototype:
      return types.isMap(value) ? extraPropertyOf(value) : imitation('a Map');
    case Set.prototype:
      return types.isSet(value) ? extraPropertyOf(value) : imitation('a Set');
    case Uint8Array.prototype:
      // Listing its properties would list every byte, so extra ones go unseen.
      return types.isUint8Array(value) ? undefined : imitation('a Uint8Array');
    default:
      return about(instanceReason(prototype));
  }
}

function oddPropertyOf(value: object): Oddity | undefined {
  for (const name of Object.getOwnPropertyNames(value)) {
    const oddity = oddDescriptor(value, name);
    if (oddity) return oddity;
  }
  return symbolKeyOf(value);
}

function oddElementOf(value: readonly unknown[]): Oddity | undefined {
  for (let index = 0; index < value.length; index++) {
    const oddity = oddDescriptor(value, index);
    if (oddity) return oddity;
  }
  // Every index is there, so one more name ('length') than elements is all an array should have.
  const names = Object.getOwnPropertyNames(value);
  if (names.length === value.length + 1) return symbolKeyOf(value);
  const key = names.slice(value.length).find((name) => name !== 'length');
  return about('it is an extra property of an array; use an object instead', key);
}

function oddDescriptor(value: object, key: string | number): Oddity | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined)
    return about('it is a hole in a sparse array; fill it, if only with null', key);
  if (descriptor.get || descriptor.set) return about('it is an accessor; use a plain property instead', key);
  if (!descriptor.enumerable) return about('it is not enumerable; define it as a plain property', key);
  return undefined;
}

function symbolKeyOf(value: object): Oddity | undefined {
  const [symbol] = Object.getOwnPropertySymbols(value);
  return symbol && about('its key is a symbol; use a string as key', symbol);
}

function oddDate(value: Date): Oddity | undefined {
  return Number.isNaN(value.getTime())
    ? about('it is an invalid Date; use null instead')
    : extraPropertyOf(value);
}

function extraPropertyOf(value: object): Oddity | undefined {
  const [key] = Reflect.ownKeys(value);
  return key === undefined ? undefined : about(`it has an extra property '${String(key)}'; leave that out`);
}

function imitation(what: string): Oddity {
  return about(`it has the prototype of ${what} but is none; use a real one`);
}

function instanceReason(prototype: unknown): string {
  if (prototype === null) return 'it is an object without prototype; copy it with { ...value }';
  if (prototype === Buffer.prototype) return 'it is a Buffer; copy it with new Uint8Array(buffer)';
  const name = classNameOf(prototype as object);
  if (boxes.has(prototype)) return `it is a boxed ${name}; use the primitive, its valueOf()`;
  if (name === 'Object') return 'it inherits from another object; copy it with { ...value }';
  return `it is an instance of ${name}, which is not registered: see defineType and System.of(…, { types })`;
}

const boxes: ReadonlySet<unknown> = new Set(
  [String, Number, Boolean, BigInt, Symbol].map((box): unknown => box.prototype),
);

function classNameOf(prototype: object): string {
  const name: unknown = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'an unnamed class';
}

function about(reason: string, key?: string | number | symbol): Oddity {
  return { key, reason };
}
