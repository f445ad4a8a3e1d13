import { types } from 'node:util';
import type { DeepReadonly } from './event.ts';
import { Personal } from './personal.ts';
import { maxLevels, oddityOf } from './plain-data.ts';
import { NativeDate } from './realms.ts';

let copied = 0;

/** About how many characters of JSON all data copied so far in this thread has: of texts, bytes and elements of arrays. */
export function copiedLength(): number {
  return copied;
}

/** Characters of JSON for which an element of an array counts besides its text. */
const elementLength = 8;

/**
 * Copies plain data and freezes its objects and arrays. Values that the transcoder rejects, or that are nested too
 * deeply, are not copied: the transcoder names them when the event is encoded.
 */
export function frozenCopy<T>(value: T): DeepReadonly<T> {
  return (isObject(value) ? copyOf(value, new Copies(), 1) : value) as DeepReadonly<T>;
}

/**
 * Whether frozen data contains something that cannot be frozen: a Date, Map, Set, Uint8Array or custom type. Returns
 * true for data that is nested too deeply, as in a cycle.
 */
export function hasMutableParts(data: unknown, level: number = 1): boolean {
  if (!isObject(data)) return false;
  if (level > maxLevels || !Object.isFrozen(data)) return true;
  if (Object.getPrototypeOf(data) !== Object.prototype && !Array.isArray(data))
    return !(data instanceof Personal);
  if (Array.isArray(data)) return data.some((element) => hasMutableParts(element, level + 1));
  for (const key in data) {
    if (hasMutableParts((data as Record<string, unknown>)[key], level + 1)) return true;
  }
  return false;
}

/** Copies of objects that hold objects, by their originals, so that cycles stay cycles. */
class Copies {
  #copies: Map<object, object> | undefined;

  get(original: object): object | undefined {
    return this.#copies?.get(original);
  }

  set(original: object, copy: object): void {
    this.#copies ??= new Map();
    this.#copies.set(original, copy);
  }
}

function copyOf(value: object, copies: Copies, level: number): object {
  const known = copies.get(value);
  if (known) return known;
  if (level > maxLevels || oddityOf(value)) return value;
  if (Array.isArray(value)) return copyArray(value, copies, level);
  if (types.isDate(value)) return new NativeDate(value);
  if (types.isUint8Array(value)) return copyBytes(value);
  if (types.isMap(value)) return copyMap(value, copies, level);
  if (types.isSet(value)) return copySet(value, copies, level);
  return copyObject(value, copies, level);
}

function copyArray(original: readonly unknown[], copies: Copies, level: number): object {
  const copy = [...original];
  if (copy.some(isObject)) copies.set(original, copy); // else it is in no cycle
  for (let index = 0; index < copy.length; index++) copy[index] = copyMember(copy[index], copies, level);
  return Object.freeze(copy);
}

function copyObject(original: object, copies: Copies, level: number): object {
  const copy: Record<string, unknown> = { ...original };
  for (const key in copy) {
    const field = copy[key];
    if (typeof field === 'string') copied += field.length;
    if (!isObject(field)) continue;
    copies.set(original, copy); // else it is in no cycle
    // The copy already has the key, so that even '__proto__' is set as a field.
    copy[key] = copyOf(field, copies, level + 1);
  }
  return Object.freeze(copy);
}

function copyMap(original: ReadonlyMap<unknown, unknown>, copies: Copies, level: number): object {
  const copy = new Map<unknown, unknown>();
  copies.set(original, copy);
  for (const [key, value] of original)
    copy.set(copyMember(key, copies, level), copyMember(value, copies, level));
  return copy;
}

function copySet(original: ReadonlySet<unknown>, copies: Copies, level: number): object {
  const copy = new Set<unknown>();
  copies.set(original, copy);
  for (const value of original) copy.add(copyMember(value, copies, level));
  return copy;
}

function copyBytes(original: Uint8Array): object {
  copied += original.length;
  return new Uint8Array(original);
}

function copyMember(value: unknown, copies: Copies, level: number): unknown {
  copied += typeof value === 'string' ? elementLength + value.length : elementLength;
  return isObject(value) ? copyOf(value, copies, level + 1) : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
