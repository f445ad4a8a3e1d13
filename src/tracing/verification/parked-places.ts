import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';

/** A parked notification, as far as it is checked. */
export interface ParkedPlace
  extends Pick<ParkedNotification, 'upstreamName' | 'notificationId' | 'originatorId'> {
  readonly pipelineId: number;
}

/** Number of parked notifications that are read at once. */
const pageSize = 200;

/** Reads all parked notifications of an application. */
export async function readParkedPlaces(recorder: Recorder): Promise<readonly ParkedPlace[]> {
  const places: ParkedPlace[] = [];
  const counts = (await recorder.countParked?.()) ?? [];
  for (const pipelineId of new Set(counts.map((one) => one.pipelineId))) {
    for (let after = 0; ; ) {
      const page = (await recorder.parked?.({ pipelineId, after, limit: pageSize })) ?? [];
      for (const { upstreamName, notificationId, originatorId } of page)
        places.push({ pipelineId, upstreamName, notificationId, originatorId });
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) break;
      after = last.id;
    }
  }
  return places;
}
