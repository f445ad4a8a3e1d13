import { types } from 'node:util';

/** The class of Dates, even while a test has replaced it. */
export const NativeDate: DateConstructor = Date;

/** Prototypes of plain data in this realm. */
const own: ReadonlySet<unknown> = new Set(
  [Object, Array, Date, Map, Set, Uint8Array].map((type): unknown => type.prototype),
);

/**
 * Returns the prototype of an object. For plain data of another realm, such as the result of `structuredClone` in a test
 * of Jest, and for Dates that are made while a test has replaced the class, returns the prototype of the same type here.
 */
export function prototypeOf(value: object): unknown {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || own.has(prototype) ? prototype : (equivalentOf(value, prototype) ?? prototype);
}

function equivalentOf(value: object, prototype: object): object | undefined {
  if (prototype === Date.prototype && types.isDate(value)) return NativeDate.prototype;
  switch (depthOf(prototype)) {
    case 1:
      return Object.hasOwn(prototype, 'isPrototypeOf') ? Object.prototype : undefined;
    case 2:
      if (Array.isArray(value)) return Array.isArray(prototype) ? Array.prototype : undefined;
      if (types.isDate(value)) return Object.hasOwn(prototype, 'toISOString') ? Date.prototype : undefined;
      if (types.isMap(value)) return Object.hasOwn(prototype, 'set') ? Map.prototype : undefined;
      if (types.isSet(value)) return Object.hasOwn(prototype, 'add') ? Set.prototype : undefined;
      return undefined;
    case 3:
      return types.isUint8Array(value) && Object.hasOwn(prototype, 'BYTES_PER_ELEMENT')
        ? Uint8Array.prototype
        : undefined;
    default:
      return undefined;
  }
}

/** Number of prototypes from this one to the root, which is `Object.prototype` of its realm. */
function depthOf(prototype: object): number {
  let depth = 1;
  for (let next = Object.getPrototypeOf(prototype); next !== null; next = Object.getPrototypeOf(next)) {
    depth += 1;
    if (depth > 3) break; // a subclass
  }
  return depth;
}
