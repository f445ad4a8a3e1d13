import { PositionConflictError, RecordConflictError, StorageError } from '../../storage/errors.ts';
import type { ProcessEvent } from '../../storage/recorder.ts';

/** Why a recording is refused: by a busy storage, by a lost race, or by an answer that is lost although it is recorded. */
export type RefusalReason = 'busy' | 'conflict' | 'lost answer';

/** Returns the error by which a recording is refused. */
export function refusal(
  reason: RefusalReason,
  applicationName: string,
  processEvents: readonly ProcessEvent[],
): Error {
  if (reason === 'lost answer')
    return new StorageError('STORAGE_OUTCOME_UNKNOWN', applicationName, 'The answer is lost by schedule.');
  const [processEvent] = processEvents;
  const event = processEvent?.events[0];
  if (reason === 'conflict' && processEvent?.tracking !== undefined) {
    const { upstreamName, expected, position } = processEvent.tracking;
    return new PositionConflictError(applicationName, upstreamName, { position: expected }, { position });
  }
  if (reason === 'conflict' && event !== undefined) {
    const { originatorId, originatorVersion } = event;
    return new RecordConflictError(applicationName, originatorId, originatorVersion, originatorVersion);
  }
  return new StorageError('STORAGE_BUSY', applicationName, 'The storage is busy by schedule.');
}
