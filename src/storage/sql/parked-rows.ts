import type { ParkedCount, ParkedNotification } from '../parked.ts';
import type { Row } from './rows.ts';

/** Columns: id, revision, upstreamName, notificationId, originatorId, isDue (1 or 0), attempts, since, reason. */
export function toParked([id, revision, upstreamName, notificationId, ...content]: Row): ParkedNotification {
  const [originatorId, isDue, attempts, since, reason] = content;
  return {
    id: Number(id),
    revision: Number(revision),
    upstreamName: String(upstreamName),
    notificationId: Number(notificationId),
    originatorId: String(originatorId),
    isDue: isDue === 1,
    attempts: Number(attempts),
    since: Number(since),
    reason: String(reason),
  };
}

/** Columns: pipelineId, upstreamName, count. */
export function toParkedCount([pipelineId, upstreamName, count]: Row): ParkedCount {
  return { pipelineId: Number(pipelineId), upstreamName: String(upstreamName), count: Number(count) };
}
