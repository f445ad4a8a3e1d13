import { inspect, isDeepStrictEqual } from 'node:util';
import { isPlainObject } from '../../application/recording/save-options.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { eventsIn, type ReadEvent, SplitEvent } from '../../domain/events/split-event.ts';
import { Personal } from '../../domain/personal.ts';

/** How the events of a policy compare with those on record. */
export interface ComparedEvents {
  readonly same: number;
  /** Pairs of events with the same aggregate and other content. */
  readonly different: readonly EventPair[];
  /** Events that the policy makes, and that are not on record. */
  readonly new: readonly DomainEvent[];
  /** Events on record that the policy does not make. */
  readonly missing: readonly DomainEvent[];
}

/** An event on record, and what the policy makes in its place. */
export interface EventPair {
  readonly recorded: DomainEvent;
  readonly replayed: DomainEvent;
}

/**
 * Compares the events on record for one notification with those that a policy makes now. Times do not matter. Where several
 * events, or none, are read in place of one of a former type, the events of the aggregate are compared by their order.
 */
export function compareEvents(read: readonly ReadEvent[], replayed: readonly DomainEvent[]): ComparedEvents {
  const split = new Set(read.filter((one) => one instanceof SplitEvent).map((one) => one.originatorId));
  const recorded = countedIn(split, read.flatMap(eventsIn));
  const rest = countedIn(split, replayed);
  const taken = (fits: (one: DomainEvent) => boolean) => {
    const index = rest.findIndex(fits);
    return index < 0 ? undefined : rest.splice(index, 1)[0];
  };
  const unequal = recorded.filter((one) => taken((other) => isSame(one, other)) === undefined);
  const different: EventPair[] = [];
  const isPaired = (fits: (one: DomainEvent, other: DomainEvent) => boolean) => (event: DomainEvent) => {
    const other = taken((candidate) => fits(event, candidate));
    if (other !== undefined) different.push({ recorded: event, replayed: other });
    return other === undefined;
  };
  const missing = unequal
    .filter(isPaired((one, other) => one.originatorId === other.originatorId && one.type === other.type))
    .filter(isPaired((one, other) => one.originatorId === other.originatorId))
    .filter(
      isPaired((one, other) => one.type === other.type && one.originatorVersion === other.originatorVersion),
    );
  return { same: recorded.length - unequal.length, different, new: rest, missing };
}

/** Replaces the versions of events of some aggregates by the places of the events among those of their aggregate. */
function countedIn(aggregates: ReadonlySet<string>, events: readonly DomainEvent[]): DomainEvent[] {
  const counts = new Map<string, number>();
  return events.map((event) => {
    const { originatorId } = event;
    if (!aggregates.has(originatorId)) return event;
    const originatorVersion = (counts.get(originatorId) ?? 0) + 1;
    counts.set(originatorId, originatorVersion);
    return { ...event, originatorVersion };
  });
}

function isSame(one: DomainEvent, other: DomainEvent): boolean {
  return differences(one, other).next().done === true;
}

/** Returns the fields that differ, as text that does not show personal data. */
export function differenceLines({ recorded, replayed }: EventPair): readonly string[] {
  return [...differences(recorded, replayed)];
}

function* differences(one: DomainEvent, other: DomainEvent): Generator<string> {
  for (const name of ['type', 'originatorId', 'originatorVersion', 'data'] as const)
    yield* differencesIn(name, one[name], other[name]);
}

function* differencesIn(path: string, one: unknown, other: unknown): Generator<string> {
  if (one instanceof Personal && other instanceof Personal && one.subject === other.subject) {
    if (one.isShredded || other.isShredded || isDeepStrictEqual(one.value, other.value)) return;
    yield `${path}: ${masked(one)} -> other ${masked(other)}`;
  } else if (isPlainObject(one) && isPlainObject(other)) {
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
      yield* differencesIn(`${path}.${name}`, one[name], other[name]);
  } else if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) {
    for (const [index, element] of one.entries())
      yield* differencesIn(`${path}[${index}]`, element, other[index]);
  } else if (one instanceof Personal || other instanceof Personal || !isDeepStrictEqual(one, other)) {
    yield `${path}: ${shown(one)} -> ${shown(other)}`;
  }
}

/** Returns a value as short text that does not show personal data. */
export function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  return inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 100, maxArrayLength: 10 });
}

function masked({ subject }: Personal): string {
  return `[personal data of ${subject}]`;
}
