import { type ParkedReason, readReason } from '../../application/parking/parked-reason.ts';
import { readParked } from '../../application/parking/parked-set.ts';
import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';

/** A parked notification, as far as it is checked. */
export interface ParkedPlace
  extends Pick<ParkedNotification, 'upstreamName' | 'notificationId' | 'originatorId'> {
  readonly pipelineId: number;
  /** Why it is parked; undefined if that cannot be read. */
  readonly why: ParkedReason | undefined;
}

/** Reads all parked notifications of an application. */
export async function readParkedPlaces(recorder: Recorder): Promise<readonly ParkedPlace[]> {
  const counts = (await recorder.countParked?.()) ?? [];
  const places: ParkedPlace[] = [];
  for (const pipelineId of new Set(counts.map((one) => one.pipelineId))) {
    for await (const { reason, upstreamName, notificationId, originatorId } of readParked(
      recorder,
      pipelineId,
    ))
      places.push({ pipelineId, upstreamName, notificationId, originatorId, why: readReason(reason) });
  }
  return places;
}
