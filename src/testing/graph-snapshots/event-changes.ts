import { versionedTypeOf } from '../../domain/events/stored-type.ts';
import type { KeptApplication } from './kept-application.ts';

const waiting = 'Hosts with the earlier code wait in front of such events.';
const unreadable =
  'Where such events are on record, their aggregates do not load, and followers without a handler for them wait in front of them.';

/** Returns changes of the events that an application records and reads. */
export function* changesOfEvents(one: KeptApplication, all: readonly KeptApplication[]): Generator<string> {
  const { name, before, after } = one;
  const readBefore = new Set([...before.emits, ...(before.reads ?? [])]);
  const readNow = new Set([...after.emits, ...(after.reads ?? [])]);
  for (const type of missingIn(before.emits, after.emits)) yield emission(type, one);
  for (const type of missingIn(after.emits, before.emits)) {
    const isNewer = hasVersionOf(type, after.emits);
    if (readNow.has(type) && isNewer) continue; // told by the version that is emitted
    const end = readNow.has(type)
      ? "It reads those on record as its definitions of 'former' types say."
      : unreadable;
    yield `${type} is no longer emitted by '${name}'${isNewer ? '' : handlersOf(type, one, all)}. ${end}`;
  }
  for (const type of missingIn(readBefore, readNow))
    if (!after.emits.includes(type)) yield `${type} is read by '${name}' where it is on record.`;
  for (const type of missingIn(readNow, readBefore))
    if (!before.emits.includes(type)) yield `${type} is no longer read by '${name}'. ${unreadable}`;
  yield* changesOfLog(one);
}

/** Describes a type that is recorded now. */
function emission(type: string, { name, before }: KeptApplication): string {
  const { name: plain, version } = versionedTypeOf(type);
  const earlier = before.emits.map(versionedTypeOf).find((one) => one.name === plain);
  const versions = earlier === undefined ? '' : ` in version ${version} instead of ${earlier.version}`;
  return `${plain} is emitted by '${name}'${versions}. ${waiting}`;
}

/** Names the applications that handle a type which is gone. */
function handlersOf(type: string, { name }: KeptApplication, all: readonly KeptApplication[]): string {
  const { name: plain } = versionedTypeOf(type);
  const handlers = all
    .filter(({ before }) => before.follows[name]?.includes(plain))
    .map((one) => `'${one.name}'`);
  if (handlers.length === 0) return '';
  return `, which ${handlers.join(' and ')} ${handlers.length === 1 ? 'handles' : 'handle'}`;
}

function* changesOfLog({ name, before, after }: KeptApplication): Generator<string> {
  const { unlogged: unloggedBefore = [] } = before;
  const { unlogged = [] } = after;
  for (const type of missingIn(unloggedBefore, unlogged))
    yield `${type} of '${name}' gets no place in the log: followers do not see new events of this type.`;
  for (const type of missingIn(unlogged, unloggedBefore))
    if (hasVersionOf(type, after.emits))
      yield `${type} of '${name}' gets a place in the log from the next event on.`;
}

function hasVersionOf(type: string, types: readonly string[]): boolean {
  const { name } = versionedTypeOf(type);
  return types.some((one) => versionedTypeOf(one).name === name);
}

/** Returns those of some types that a list lacks. */
function missingIn(list: Iterable<string>, types: Iterable<string>): readonly string[] {
  const known = new Set(list);
  return [...types].filter((type) => !known.has(type));
}
