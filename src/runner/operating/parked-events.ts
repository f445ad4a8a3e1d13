import { type Application, applicationInternals } from '../../application/application.ts';
import type { ParkedFailure } from '../../application/parking/parked-reason.ts';
import { readParked } from '../../application/parking/parked-set.ts';
import { eventsIn } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { ParkedKey } from '../../storage/parked.ts';
import { type ParkedFilter, selectedReason } from './parked-filter.ts';

/** A notification that an application has parked: it is processed when it is retried. */
export interface ParkedEvent {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly notificationId: number;
  /** Aggregate of the event. */
  readonly originatorId: string;
  /**
   * The event, as the upstream reads it now: several events if an upcast splits it, and none if its log holds it no more or
   * it cannot be decoded.
   */
  readonly events: readonly RecordedEvent[];
  /** The last error on which the policy failed; undefined if the notification was parked behind another one. */
  readonly error: ParkedFailure | undefined;
  /** The notification behind which it is parked, if it is. */
  readonly behind: ParkedKey | undefined;
  /** Number of tries that have failed. */
  readonly attempts: number;
  /** When it was parked, in ms since 1970. */
  readonly since: number;
  /** Whether it is to be retried, which the application has not done yet. */
  readonly isDue: boolean;
}

/** Reads the parked notifications of an application in one pipeline, in the order in which they were parked. */
export async function* parkedEvents(
  application: Application,
  upstreams: ReadonlyMap<string, Application>,
  filter: ParkedFilter,
): AsyncGenerator<ParkedEvent, void, undefined> {
  const { applicationName, pipelineId } = application;
  const { recorder } = applicationInternals.storeOf(application);
  for await (const parked of readParked(recorder, pipelineId, filter.upstream?.applicationName)) {
    const reason = selectedReason(filter, parked);
    if (reason === undefined) continue;
    const { upstreamName, notificationId, originatorId, attempts, since, isDue } = parked;
    const upstream = upstreams.get(upstreamName);
    const events = upstream === undefined ? [] : await eventsAt(upstream, notificationId);
    const { error, behind } = reason;
    const place = { applicationName, pipelineId, upstreamName, notificationId, originatorId };
    yield { ...place, events, error, behind, attempts, since, isDue };
  }
}

async function eventsAt(upstream: Application, notificationId: number): Promise<readonly RecordedEvent[]> {
  const [stored] = await upstream.log.select(notificationId - 1, 1);
  if (stored?.id !== notificationId) return [];
  try {
    return eventsIn(applicationInternals.storeOf(upstream).mapper.toRecorded(stored));
  } catch {
    return []; // perhaps the reason for which it is parked
  }
}
