import { versionedTypeOf } from '../../domain/events/stored-type.ts';
import type { ApplicationSnapshot } from './graph-snapshot.ts';
import type { KeptApplication } from './kept-application.ts';

/** Returns where a follower begins in the log of an upstream, as part of a sentence. */
export function placeOf(upstream: string, begins: ApplicationSnapshot['begins']): string {
  const place = begins?.[upstream] ?? 'start';
  if (place === 'start' || place === 'end') return `at the ${place} of the log of '${upstream}'`;
  return `at the first event of '${upstream}' from ${place}`;
}

/** Returns changes of what an application follows and handles. */
export function* changesOfFollowing(
  one: KeptApplication,
  all: readonly KeptApplication[],
): Generator<string> {
  const { name, before, after } = one;
  for (const upstream of Object.keys(before.follows)) {
    if (after.follows[upstream] !== undefined) continue;
    yield `'${name}' no longer follows '${upstream}': its position stays in the storage, and it continues there if it follows ` +
      `'${upstream}' again.`;
  }
  for (const [upstream, types] of Object.entries(after.follows)) {
    const earlier = before.follows[upstream];
    if (earlier === undefined) {
      yield `'${name}' follows '${upstream}', and begins ${placeOf(upstream, after.begins)}, or at its position if it has ` +
        'followed that log before.';
      continue;
    }
    const emitting = all.find((other) => other.name === upstream);
    for (const type of types) if (!earlier.includes(type)) yield handling(type, upstream, one, emitting);
    for (const type of earlier)
      if (!types.includes(type) && isEmitted(type, emitting?.after)) yield ignoring(type, upstream, one);
    const places = [before, after].map(({ begins }) => begins?.[upstream] ?? 'start');
    if (places[0] !== places[1])
      yield `'${name}' declares to begin ${placeOf(upstream, after.begins)}: it has no effect where the application has started.`;
  }
  if (before.handlesOwnEvents === after.handlesOwnEvents) return;
  yield `The policy of '${name}' ${after.handlesOwnEvents ? 'handles' : 'no longer handles'} the events that it makes.`;
}

/** Describes a type that an application has a handler for now. */
function handling(
  type: string,
  upstream: string,
  { name, before, after }: KeptApplication,
  emitting: KeptApplication | undefined,
): string {
  const what = `'${name}' handles ${type} of '${upstream}'`;
  if (!isEmitted(type, emitting?.before) || before.schema !== after.schema) return `${what}.`;
  const again =
    after.schema === undefined
      ? 'A replay hands them to the handler.'
      : "Raise its 'schema' to build its tables again.";
  return `${what} from its position on: events that it has passed are not handled. ${again}`;
}

/** Describes a type that an application has no handler for now. */
function ignoring(type: string, upstream: string, { name, before, after }: KeptApplication): string {
  const what = `'${name}' no longer handles ${type} of '${upstream}'`;
  if (before.schema !== after.schema) return `${what}.`;
  return `${what}: it waits in front of the next such event, as it is on record that another version handles the type. Keep an empty handler to pass them.`;
}

function isEmitted(type: string, snapshot: ApplicationSnapshot | undefined): boolean {
  return snapshot?.emits.some((one) => versionedTypeOf(one).name === type) ?? false;
}
