import { types } from 'node:util';
import { prototypeOf } from '../../domain/realms.ts';

/** A property, an index, or the name of the type that encodes an instance. */
export type Step = string | number | symbol;

/**
 * Returns the path to a value as code: `items[2].price`, `prices.get("eur")`, `tags.values()[0]`, and `<Money>.cents`
 * for the encoded form of a custom type. Step `i` was taken in container `i`.
 */
export function pathText(containers: readonly object[], steps: readonly Step[]): string {
  let text = '';
  for (let i = 0; i < containers.length; i++) {
    const container = containers[i];
    // A Map is encoded as an array of entries and a Set as an array: their steps are joined.
    if (types.isMap(container) && i + 2 < containers.length)
      text += entryText(container, steps[++i], steps[++i]);
    else if (types.isSet(container) && i + 1 < containers.length) text += `.values()[${String(steps[++i])}]`;
    else text += stepText(container, steps[i] as Step);
  }
  return text.startsWith('.') ? text.slice(1) : text;
}

function stepText(container: unknown, step: Step): string {
  if (typeof step !== 'string') return `[${String(step)}]`;
  if (!Array.isArray(container) && prototypeOf(container as object) !== Object.prototype) return `<${step}>`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function entryText(map: ReadonlyMap<unknown, unknown>, index: unknown, part: unknown): string {
  if (part === 0) return `.keys()[${index}]`;
  const key = [...map.keys()][index as number];
  return typeof key === 'string' || typeof key === 'number'
    ? `.get(${JSON.stringify(key)})`
    : `.values()[${index}]`;
}
