import type { LogPlace } from '../stored-event.ts';

/** Returns the last notification of each log that is not empty, in the order of pipelines. */
export function lastPlaces(heads: Iterable<readonly [pipelineId: number, head: number]>): LogPlace[] {
  const places: LogPlace[] = [];
  for (const [pipelineId, notificationId] of heads) {
    if (notificationId > 0) places.push({ pipelineId, notificationId });
  }
  return places.sort((a, b) => a.pipelineId - b.pipelineId);
}
