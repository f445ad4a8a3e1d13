import { type Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import type { EventKey, ProcessEvent, Recorder } from '../../storage/recorder.ts';
import type { LogPlace, StoredEvent } from '../../storage/stored-event.ts';

/** Recorded versions of aggregates, on which their pending events build. */
export function basesOf(aggregates: Iterable<Aggregate>): readonly EventKey[] {
  const bases: EventKey[] = [];
  for (const aggregate of aggregates) {
    const originatorVersion = aggregate.version - aggregateInternals.pending(aggregate).length;
    if (originatorVersion > 0) bases.push({ originatorId: aggregate.id, originatorVersion });
  }
  return bases;
}

/** A process event and the recorded versions that it builds on. */
export interface BasedEvents {
  readonly processEvent: ProcessEvent;
  readonly bases: readonly EventKey[];
}

/**
 * Adds dependencies to process events before they are recorded: the newest notification of every other pipeline on
 * which each process event builds. Its first event in the log carries them. One read locates all of them, unless versions
 * are outside of the log.
 */
export async function withDependencies(
  recorder: Recorder,
  pipelineId: number,
  based: readonly BasedEvents[],
): Promise<readonly ProcessEvent[]> {
  const places = await newestPlaces(recorder, based);
  let start = 0;
  return based.map((one) => {
    const own = places.slice(start, start + one.bases.length);
    start += one.bases.length;
    return carrying(one.processEvent, newestElsewhere(own, pipelineId));
  });
}

/** Largest number of versions of one aggregate that are located at once. */
const mostVersions = 256;

/**
 * Locates the recorded versions on which process events build. In place of a version outside of the log, locates the
 * newest version before it that is in a log.
 */
async function newestPlaces(
  recorder: Recorder,
  based: readonly BasedEvents[],
): Promise<readonly (LogPlace | undefined)[]> {
  const bases = based.flatMap((one) => one.bases);
  const places = bases.length === 0 ? [] : [...(await recorder.locate(bases))];
  // A version without a place is recorded by the same call: in this log, or outside of it.
  const mayBeOutside = based.some(({ processEvent }) => !processEvent.events.every(isLogged));
  for (let i = 0; i < places.length; i += 1) {
    const place = places[i];
    if (place === undefined ? mayBeOutside : place.notificationId === 0)
      places[i] = await newestBefore(recorder, bases[i] as EventKey);
  }
  return places;
}

async function newestBefore(
  recorder: Recorder,
  { originatorId, originatorVersion }: EventKey,
): Promise<LogPlace | undefined> {
  let count = 1;
  for (let next = originatorVersion - 1; next > 0; count = Math.min(count * 2, mostVersions)) {
    const versions = Array.from({ length: Math.min(count, next) }, (_, i) => next - i);
    const places = await recorder.locate(
      versions.map((version) => ({ originatorId, originatorVersion: version })),
    );
    const newest = places.find((place) => place !== undefined && place.notificationId > 0);
    if (newest !== undefined) return newest;
    next -= versions.length;
  }
  return undefined;
}

function newestElsewhere(places: readonly (LogPlace | undefined)[], pipelineId: number): readonly LogPlace[] {
  const newest = new Map<number, LogPlace>();
  for (const place of places) {
    if (place === undefined || place.pipelineId === pipelineId) continue;
    const known = newest.get(place.pipelineId)?.notificationId ?? 0;
    if (place.notificationId > known) newest.set(place.pipelineId, place);
  }
  return [...newest.values()];
}

function carrying(processEvent: ProcessEvent, dependencies: readonly LogPlace[]): ProcessEvent {
  const { events } = processEvent;
  const first = events.findIndex(isLogged);
  if (first < 0 || dependencies.length === 0) return processEvent;
  return {
    ...processEvent,
    events: events.with(first, { ...(events[first] as StoredEvent), dependencies }),
  };
}

function isLogged({ notifiable }: StoredEvent): boolean {
  return notifiable !== false;
}
