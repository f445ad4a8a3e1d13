import { type Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import type { EventKey, ProcessEvent, Recorder } from '../../storage/recorder.ts';
import type { LogPlace } from '../../storage/stored-event.ts';

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
 * which each process event builds. Its first event carries them. One read locates all of them.
 */
export async function withDependencies(
  recorder: Recorder,
  pipelineId: number,
  based: readonly BasedEvents[],
): Promise<readonly ProcessEvent[]> {
  const bases = based.flatMap((one) => one.bases);
  const places = bases.length === 0 ? [] : await recorder.locate(bases);
  let start = 0;
  return based.map((one) => {
    const own = places.slice(start, start + one.bases.length);
    start += one.bases.length;
    return carrying(one.processEvent, newestElsewhere(own, pipelineId));
  });
}

function newestElsewhere(places: readonly (LogPlace | undefined)[], pipelineId: number): readonly LogPlace[] {
  const newest = new Map<number, LogPlace>();
  for (const place of places) {
    // A version without a place is recorded by the same call, in this log.
    if (place === undefined || place.pipelineId === pipelineId) continue;
    const known = newest.get(place.pipelineId)?.notificationId ?? 0;
    if (place.notificationId > known) newest.set(place.pipelineId, place);
  }
  return [...newest.values()];
}

function carrying(processEvent: ProcessEvent, dependencies: readonly LogPlace[]): ProcessEvent {
  const [first, ...others] = processEvent.events;
  if (first === undefined || dependencies.length === 0) return processEvent;
  return { ...processEvent, events: [{ ...first, dependencies }, ...others] };
}
