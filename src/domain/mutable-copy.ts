import { types } from 'node:util';
import { maxLevels } from './plain-data.ts';
import { NativeDate, prototypeOf } from './realms.ts';

/**
 * Copies data whose parts may then be changed: objects, arrays, Dates, Maps, Sets and Uint8Arrays. Instances of other
 * classes, and parts that are nested too deeply, are not copied.
 */
export function mutableCopy(data: unknown): unknown {
  return copyOf(data, new Map(), 1);
}

function copyOf(value: unknown, copies: Map<object, object>, level: number): unknown {
  if (typeof value !== 'object' || value === null || level > maxLevels) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const copy = emptyCopyOf(value);
  if (copy === undefined) return value;
  copies.set(value, copy); // first, so that cycles stay cycles
  const part = (one: unknown) => copyOf(one, copies, level + 1);
  if (types.isMap(copy))
    for (const [key, one] of value as Map<unknown, unknown>) copy.set(part(key), part(one));
  else if (types.isSet(copy)) for (const one of value as Set<unknown>) copy.add(part(one));
  else if (Array.isArray(copy)) for (const one of value as unknown[]) copy.push(part(one));
  else if (prototypeOf(copy) === Object.prototype) setFields(copy, value, part);
  return copy;
}

/** Returns the copy of a Date or bytes, an empty copy of a container, and undefined for other instances. */
function emptyCopyOf(value: object): object | undefined {
  switch (prototypeOf(value)) {
    case Object.prototype:
      return {};
    case Array.prototype:
      return [];
    case Date.prototype:
    case NativeDate.prototype:
      return new NativeDate(value as Date);
    case Map.prototype:
      return new Map();
    case Set.prototype:
      return new Set();
    case Uint8Array.prototype:
      return new Uint8Array(value as Uint8Array);
    default:
      return undefined;
  }
}

function setFields(copy: object, original: object, part: (one: unknown) => unknown): void {
  for (const [key, value] of Object.entries(original)) {
    // A definition, so that even '__proto__' is set as a field.
    Object.defineProperty(copy, key, {
      value: part(value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
}
