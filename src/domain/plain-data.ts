import { isDeepStrictEqual, types } from 'node:util';
import { NativeDate, prototypeOf } from './realms.ts';

/** Deepest nesting of data. A Map counts as three levels (itself, the list of entries, an entry), a Set as two. */
export const maxLevels = 1000;

/** Arrays with more elements are checked as a whole. */
export const longArrayLength = 16;

/** A trait of an object that a copy or an encoding would lose. */
export interface Oddity {
  /** The property with the trait; undefined if it is the object itself. */
  readonly key: string | number | symbol | undefined;
  /** Description of the trait and a remedy, for a message. */
  readonly reason: string;
}

/**
 * Returns why an object is not plain data; undefined if it is. Plain data are object literals, arrays, Dates, Maps,
 * Sets and Uint8Arrays without extra properties.
 */
export function oddityOf(value: object): Oddity | undefined {
  const prototype = prototypeOf(value);
  switch (prototype) {
    case Object.prototype:
      return oddPropertyOf(value);
    case Array.prototype:
      return Array.isArray(value) ? oddElementOf(value) : imitation('an array');
    case NativeDate.prototype:
      return types.isDate(value) ? oddDate(value) : imitation('a Date');
    case Map.prototype:
      return types.isMap(value) ? extraPropertyOf(value) : imitation('a Map');
    case Set.prototype:
      return types.isSet(value) ? extraPropertyOf(value) : imitation('a Set');
    case Uint8Array.prototype:
      // Extra properties are not detected: listing the properties would list every byte.
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

/** In a long array, elements that are accessors or not enumerable count as their values. */
function oddElementOf(value: readonly unknown[]): Oddity | undefined {
  // Listing the names of a million elements costs 60 times as much as comparing the array with its shallow copy.
  if (value.length > longArrayLength && isDeepStrictEqual(value, [...value])) return symbolKeyOf(value);
  for (let index = 0; index < value.length; index++) {
    const oddity = oddDescriptor(value, index);
    if (oddity) return oddity;
  }
  // Every index has an element, so an array has one name ('length') more than elements.
  const names = Object.getOwnPropertyNames(value);
  if (names.length === value.length + 1) return symbolKeyOf(value);
  const key = names.slice(value.length).find((name) => name !== 'length');
  return about('it is an extra property of an array; use an object instead', key);
}

function oddDescriptor(value: object, key: string | number): Oddity | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined)
    return about('it is a hole in a sparse array; fill it, for example with null', key);
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
  const key = Reflect.ownKeys(value).find((one) => !isHiddenConstructor(value, one));
  return key === undefined ? undefined : about(`it has an extra property '${String(key)}'; leave that out`);
}

/** Whether a property is the constructor that fake timers of tests put into their Dates. */
function isHiddenConstructor(value: object, key: string | symbol): boolean {
  return key === 'constructor' && !Object.prototype.propertyIsEnumerable.call(value, key);
}

function imitation(what: string): Oddity {
  return about(
    `it has the prototype of ${what}, but was not made by its constructor; create it with the constructor`,
  );
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
