import { types } from 'node:util';
import { hasMutableParts } from '../../domain/frozen-copy.ts';
import { Personal } from '../../domain/personal.ts';
import { isSamePersonal } from '../personal/sealed-content.ts';

/** Part of a state that is not restored exactly. */
export interface Difference {
  /** Path to the part, such as `lines[2].price`. */
  readonly path: string;
  /** Description and remedy, for a message. */
  readonly reason: string;
}

const changed = 'it is restored with another value';

/**
 * Finds a difference between an object and the one that was restored from its snapshot: in values, types, properties, and
 * in what is one object in two places. Functions, which hold no data, are not compared.
 */
export function differenceOf(original: object, restored: object): Difference | undefined {
  const comparison = new Comparison();
  for (const key of new Set([...Reflect.ownKeys(original), ...Reflect.ownKeys(restored)])) {
    const path = pathTo('', key);
    const before = Object.getOwnPropertyDescriptor(original, key);
    const after = Object.getOwnPropertyDescriptor(restored, key);
    const reason = traitOf(before, after);
    const difference =
      reason === undefined ? comparison.ofValues(before?.value, after?.value, path) : { path, reason };
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Returns what sets two properties apart besides their values. */
function traitOf(
  before: PropertyDescriptor | undefined,
  after: PropertyDescriptor | undefined,
): string | undefined {
  if (before === undefined) return 'it was deleted, but is restored; set it to undefined instead';
  if (before.get || before.set) return 'it is an accessor; use a plain field, or a getter of the class';
  if (!before.enumerable && !after?.enumerable) return 'it is not enumerable; define it as a plain field';
  return after === undefined ? 'it is not restored' : undefined;
}

class Comparison {
  /** Restored objects and paths by their originals. */
  readonly #seen = new Map<object, { readonly restored: object; readonly path: string }>();

  ofValues(original: unknown, restored: unknown, path: string): Difference | undefined {
    if (Object.is(original, restored)) return undefined;
    if (typeof original === 'function' && typeof restored === 'function') return undefined;
    if (!isObject(original) || !isObject(restored)) return { path, reason: changed };
    if (Object.getPrototypeOf(original) !== Object.getPrototypeOf(restored))
      return { path, reason: 'it is restored with another class' };
    const seen = this.#seen.get(original);
    if (seen === undefined) {
      this.#seen.set(original, { restored, path });
      return this.#ofContents(original, restored, path);
    }
    return seen.restored === restored ? undefined : shared(original, path, seen.path);
  }

  #ofContents(original: object, restored: object, path: string): Difference | undefined {
    if (Array.isArray(original) && Array.isArray(restored)) return this.#ofArrays(original, restored, path);
    if (original instanceof Personal && restored instanceof Personal)
      return isSamePersonal(original, restored) ? undefined : { path, reason: changed };
    if (types.isMap(original) && types.isMap(restored)) {
      return this.#ofArrays([...original], [...restored], path);
    }
    if (types.isSet(original) && types.isSet(restored)) {
      return this.#ofArrays([...original], [...restored], path);
    }
    if (ArrayBuffer.isView(original) && ArrayBuffer.isView(restored))
      return Buffer.compare(bytesOf(original), bytesOf(restored)) === 0
        ? undefined
        : { path, reason: changed };
    if (types.isDate(original) && types.isDate(restored) && original.getTime() !== restored.getTime())
      return { path, reason: changed };
    return this.#ofFields(original as Fields, restored as Fields, path);
  }

  #ofFields(original: Fields, restored: Fields, path: string): Difference | undefined {
    const keys = Object.keys(original);
    if (keys.length !== Object.keys(restored).length) return { path, reason: changed };
    for (const key of keys) {
      const before = original[key];
      const after = restored[key];
      if (Object.is(before, after) && Object.hasOwn(restored, key)) continue;
      const difference = this.ofValues(before, after, pathTo(path, key));
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #ofArrays(
    original: readonly unknown[],
    restored: readonly unknown[],
    path: string,
  ): Difference | undefined {
    if (original.length !== restored.length) return { path, reason: changed };
    for (let index = 0; index < original.length; index++) {
      const before = original[index];
      if (Object.is(before, restored[index])) continue;
      const difference = this.ofValues(before, restored[index], `${path}[${index}]`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether an object is changed in place. Dates and instances of other classes count as values. */
function isContainer(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || Array.isArray(value) || types.isMap(value) || types.isSet(value);
}

/** One frozen object may become two equal ones. */
function shared(original: object, path: string, first: string): Difference | undefined {
  if (!isContainer(original) || !hasMutableParts(original)) return undefined;
  return {
    path,
    reason: `it is the same object as ${first}, but is restored as another one; keep it in one place`,
  };
}

function pathTo(path: string, key: PropertyKey): string {
  if (typeof key === 'string' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key))
    return path === '' ? key : `${path}.${key}`;
  return `${path}[${typeof key === 'symbol' ? String(key) : JSON.stringify(key)}]`;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
