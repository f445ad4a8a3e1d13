import { isInstance, kindOf, messageOf } from '../../util/errors.ts';
import { UpcastError } from './errors.ts';
import type { UpcastEvent } from './event-definition.ts';
import type { Reading } from './event-versions.ts';

/**
 * Converts data as recorded to the newest version of its type.
 *
 * @throws {@link UpcastError} if a function fails.
 */
export function upcast({ stored, steps }: Reading, data: unknown): unknown {
  let converted = data;
  let version = stored.version;
  for (const step of steps) {
    const { name } = stored;
    const what = `The upcast of '${name}' from version ${version} to ${version + 1}`;
    converted = called(step, converted, { name, version }, what);
    version += 1;
  }
  return converted;
}

/**
 * Returns what is read in place of an event, given its newest data.
 *
 * @param isCurrent Whether a type of events is defined.
 * @throws {@link UpcastError} if the function fails, or returns something else than events that are defined.
 */
export function split(
  { stored, steps, split: into = none }: Reading,
  data: unknown,
  isCurrent: (type: string) => boolean,
): readonly UpcastEvent[] {
  const { name } = stored;
  const place = { name, version: stored.version + steps.length };
  const what = `The function into() of '${name}'`;
  const events = called(into, data, place, what);
  if (!Array.isArray(events))
    throw new UpcastError(place, `${what} must return an array of events, got ${kindOf(events)}.`);
  for (const event of events as readonly unknown[]) {
    const { type } = (event ?? {}) as Partial<UpcastEvent>;
    if (typeof event === 'object' && typeof type === 'string' && isCurrent(type)) continue;
    const got = typeof type === 'string' ? `an event of type '${type}'` : kindOf(event);
    throw new UpcastError(
      place,
      `${what} returned ${got}: expected { type, data } with a type that defineEvents() defines.`,
    );
  }
  return events;
}

/** Stands for the function of a type that is not split. */
function none(): readonly UpcastEvent[] {
  return [];
}

function called(
  change: (old: unknown) => unknown,
  data: unknown,
  place: { readonly name: string; readonly version: number },
  what: string,
): unknown {
  let result: unknown;
  try {
    result = change(data);
  } catch (cause) {
    if (isInstance(cause, UpcastError)) throw cause;
    throw new UpcastError(place, `${what} failed: ${messageOf(cause)}`, { cause });
  }
  if (result === undefined)
    throw new UpcastError(place, `${what} returned undefined: return the data, or null.`);
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return result;
  Promise.resolve(result).catch(() => {}); // the error below is the one to report
  throw new UpcastError(place, `${what} returned a promise: compute the result at once.`);
}
