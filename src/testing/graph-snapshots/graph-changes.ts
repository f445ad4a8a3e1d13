import { changesOfEvents } from './event-changes.ts';
import { changesOfFollowing, placeOf } from './following-changes.ts';
import type { ApplicationSnapshot, GraphSnapshot } from './graph-snapshot.ts';
import type { KeptApplication } from './kept-application.ts';

type Named = readonly [name: string, snapshot: ApplicationSnapshot];

/** Returns what differs between two graphs, and what it means for events and positions on record. */
export function changesBetween(before: GraphSnapshot, after: GraphSnapshot): readonly string[] {
  const renamed = renamesBetween(before, after);
  const kept: KeptApplication[] = [];
  const gone: Named[] = [];
  for (const [earlierName, one] of before) {
    const name = renamed.get(earlierName) ?? earlierName;
    const now = after.get(name);
    if (now === undefined) gone.push([name, one]);
    else kept.push({ name, earlierName, before: withNames(one, renamed), after: now });
  }
  const present = new Set(kept.map(({ name }) => name));
  const added = [...after].filter(([name]) => !present.has(name));
  return [
    ...gone.map((one) => removal(one, added)),
    ...added.map(addition),
    ...kept.flatMap((one) => [...changesOfPlace(one)]),
    ...kept.flatMap((one) => [...changesOfEvents(one, kept)]),
    ...kept.flatMap((one) => [...changesOfFollowing(one, kept)]),
  ];
}

/** Returns the new names of applications that keep their log under another name. */
function renamesBetween(before: GraphSnapshot, after: GraphSnapshot): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  for (const [name, { recordedAs: log = name }] of before) {
    if (after.has(name)) continue;
    const now = [...after].find(
      ([other, { recordedAs = other }]) => !before.has(other) && recordedAs === log,
    );
    if (now !== undefined) renamed.set(name, now[0]);
  }
  return renamed;
}

/** Returns a snapshot in which upstreams have their present names. */
function withNames(one: ApplicationSnapshot, renamed: ReadonlyMap<string, string>): ApplicationSnapshot {
  const named = <Value>(byName: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(byName).map(([name, value]) => [renamed.get(name) ?? name, value]));
  return { ...one, follows: named(one.follows), ...(one.begins && { begins: named(one.begins) }) };
}

function removal([name, { schema, remote, emits }]: Named, added: readonly Named[]): string {
  if (remote) return `'${name}' of another system is gone: nothing here reads its log.`;
  if (schema !== undefined)
    return `Projection '${name}' is gone: its tables stay, and their rows are not updated.`;
  const heir = added.find(([, one]) => !one.remote && emits.length > 0 && `${one.emits}` === `${emits}`);
  const hint = heir && ` To keep them for '${heir[0]}', declare 'static readonly recordedAs' in its class.`;
  return `'${name}' is gone: its log and its positions stay in the storage.${hint ?? ''}`;
}

function addition([name, { schema, remote, begins, follows }]: Named): string {
  if (remote) return `'${name}' of another system is new.`;
  const places = Object.keys(follows).map((upstream) => placeOf(upstream, begins));
  const what = schema === undefined ? `'${name}' is new` : `Projection '${name}' is new`;
  return places.length === 0 ? `${what}.` : `${what}, and begins ${places.join(' and ')}.`;
}

/** Returns changes of the name, the place and the schema of an application. */
function* changesOfPlace({ name, earlierName, before, after }: KeptApplication): Generator<string> {
  const earlierLog = before.recordedAs ?? earlierName;
  const log = after.recordedAs ?? name;
  if (name !== earlierName)
    yield `'${earlierName}' is named '${name}': it keeps its log, its positions and its place in causes.`;
  if (before.remote !== after.remote) {
    yield `'${name}' runs in ${after.remote ? 'another' : 'this'} system: its followers continue at their positions in the log ` +
      'there, and stop if it is another log.';
  }
  if (before.schema !== after.schema) yield changeOfSchema(name, before.schema, after.schema);
  else if (after.schema === undefined && log !== earlierLog) {
    yield `'${name}' is recorded as '${log}' instead of '${earlierLog}': it starts with the log under that name, and its log and ` +
      'positions so far stay in the storage.';
  }
}

function changeOfSchema(name: string, before: number | undefined, after: number | undefined): string {
  if (after === undefined)
    return `'${name}' is not a projection: its tables stay, and their rows are not updated.`;
  if (before === undefined) return `'${name}' is a projection: its log so far stays in the storage.`;
  const effect =
    after > before
      ? 'its tables are built from all events beside the live ones, and then become live.'
      : 'a lower schema does not become live by itself.';
  return `Projection '${name}' has schema ${after} instead of ${before}: ${effect}`;
}
