import { types } from 'node:util';
import { maxLevels } from '../plain-data.ts';
import { prototypeOf } from '../realms.ts';
import { arePlainlyEqual } from './plain-equality.ts';

/** What a schema did to data. */
export interface Difference {
  readonly change: 'removes' | 'adds' | 'changes';
  /** Keys that lead to the part, from outside to inside. */
  readonly path: readonly PropertyKey[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the first difference between data and the output of its schema; undefined if they are equal. A field that is
 * undefined equals a missing field, and an instance of a class equals only itself.
 */
export function differenceOf(data: unknown, output: unknown): Difference | undefined {
  return arePlainlyEqual(data, output) ? undefined : between(data, output, { path: [], compared: new Map() });
}

interface Place {
  readonly path: readonly PropertyKey[];
  /** Outputs by the data with which they are compared, so that cycles end. */
  readonly compared: Map<object, object>;
}

function between(data: unknown, output: unknown, place: Place): Difference | undefined {
  if (Object.is(data, output)) return undefined;
  const changed: Difference = { change: 'changes', path: place.path };
  if (typeof data !== 'object' || typeof output !== 'object' || data === null || output === null)
    return changed;
  if (place.compared.get(data) === output || place.path.length > maxLevels) return undefined;
  place.compared.set(data, output);
  if (types.isDate(data)) return types.isDate(output) && +data === +output ? undefined : changed;
  if (types.isUint8Array(data))
    return types.isUint8Array(output) && Buffer.compare(data, output) === 0 ? undefined : changed;
  if (types.isMap(data)) return types.isMap(output) ? betweenMaps(data, output, place) : changed;
  if (types.isSet(data))
    return types.isSet(output) && isSame([...data], [...output], place) ? undefined : changed;
  if (Array.isArray(data))
    return Array.isArray(output) && data.length === output.length
      ? firstOf(data.keys(), (index) => between(data[index], output[index], inside(place, index)))
      : changed;
  return isPlain(data) && isPlain(output) ? betweenObjects(data, output, place) : changed;
}

function betweenObjects(data: object, output: object, place: Place): Difference | undefined {
  return (
    firstOf(Object.keys(data), (key) => betweenFields(data, output, key, place)) ??
    firstOf(Object.keys(output), (key) =>
      Object.hasOwn(data, key) ? undefined : betweenFields(data, output, key, place),
    )
  );
}

function betweenFields(data: object, output: object, key: string, place: Place): Difference | undefined {
  const [before, after] = [fieldOf(data, key), fieldOf(output, key)];
  if (Object.is(before, after)) return undefined;
  const field = inside(place, key);
  if (after === undefined) return { change: 'removes', path: field.path };
  if (before === undefined) return { change: 'adds', path: field.path };
  return between(before, after, field);
}

function betweenMaps(
  data: ReadonlyMap<unknown, unknown>,
  output: ReadonlyMap<unknown, unknown>,
  place: Place,
): Difference | undefined {
  if (!isSame([...data.keys()], [...output.keys()], place)) return { change: 'changes', path: place.path };
  const outputs = [...output.values()];
  return firstOf([...data].entries(), ([index, [key, value]]) =>
    between(value, outputs[index], inside(place, typeof key === 'number' ? key : String(key))),
  );
}

function isSame(data: readonly unknown[], output: readonly unknown[], place: Place): boolean {
  return (
    data.length === output.length &&
    data.every((one, index) => between(one, output[index], inside(place, index)) === undefined)
  );
}

function inside({ path, compared }: Place, key: PropertyKey): Place {
  return { path: [...path, key], compared };
}

function fieldOf(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Fields)[key] : undefined;
}

function isPlain(value: object): boolean {
  const prototype = prototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function firstOf<T>(items: Iterable<T>, find: (item: T) => Difference | undefined): Difference | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
