import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder, StoredOperation } from '../../storage/recorder.ts';
import { now } from '../../util/time.ts';

/** Kind of the operation that records that a parked notification was processed. */
export const retriedKind = 'retried';

/** Details of a notification that was processed after it had been parked. */
export interface RetriedDetails {
  readonly pipelineId: number;
  /** Name under which storage keeps the log of the upstream. */
  readonly upstreamName: string;
  readonly notificationId: number;
  /** Number of events that it caused in the application's own log. */
  readonly effects: number;
  /** Id in that log behind which they are. */
  readonly after: number;
}

/** The part of an event store that records and reads such operations. */
interface OperationStore {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly recorder: Recorder;
  recordedNameOf(applicationName: string): string;
}

/**
 * Returns the operation that is recorded together with the effects of a notification that was parked: those effects stand
 * behind effects of later notifications, so that searches and `verify()` need to know.
 */
export async function retriedOperation(
  { applicationName, pipelineId, recorder, recordedNameOf }: OperationStore,
  { upstreamName, notificationId, attempts }: ParkedNotification,
  effects: number,
): Promise<StoredOperation> {
  const after = effects === 0 ? 0 : await recorder.head(pipelineId);
  const details: RetriedDetails = {
    pipelineId,
    upstreamName: recordedNameOf(upstreamName),
    notificationId,
    effects,
    after,
  };
  return {
    timestamp: now(),
    kind: retriedKind,
    by: applicationName,
    reason: attempts === 0 ? 'the notification behind which it was parked is gone' : 'it was due',
    details: JSON.stringify(details),
  };
}
