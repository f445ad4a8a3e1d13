import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder, StoredOperation } from '../../storage/recorder.ts';
import { now } from '../../util/time.ts';
import { operationOf, type RetriedDetails } from '../control/operation-kinds.ts';

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
  const reason = attempts === 0 ? 'the notification behind which it was parked is gone' : 'it was due';
  return { ...operationOf('retried', { by: applicationName, reason }, details), timestamp: now() };
}
