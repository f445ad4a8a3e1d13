import { StorageError } from '../../storage/errors.ts';
import type { EventKey, StoredCommand } from '../../storage/recorder.ts';
import type { EventStore, PreparedEvents } from '../recording/event-store.ts';
import type { FirstOutcome } from '../recording/save-aggregates.ts';
import { digestOfEvents } from './fingerprint.ts';

/** What a command has recorded, as storage keeps it. The storage assigns the id of the last notification afterwards. */
interface OutcomeData {
  readonly pipelineId: number;
  readonly count: number;
  readonly correlationId: string;
  /** The last event that has a place in the log. */
  readonly last?: EventKey;
  /** Identifies the events. */
  readonly events: string;
  /** What the command returned, encoded as text. */
  readonly result?: string;
}

/** The outcome of a recorded command. */
export interface RecordedOutcome extends FirstOutcome {
  /** Identifies the events that it recorded. */
  readonly events: string;
}

/** Returns the outcome of a command as text. */
export function outcomeText(
  { processEvent, logged }: PreparedEvents,
  { pipelineId }: EventStore,
  correlationId: string,
  result: string | undefined,
): string {
  const last = logged.at(-1);
  const outcome: OutcomeData = {
    pipelineId,
    count: logged.length,
    correlationId,
    ...(last && { last: { originatorId: last.originatorId, originatorVersion: last.originatorVersion } }),
    events: digestOfEvents(processEvent.events),
    ...(result !== undefined && { result }),
  };
  return JSON.stringify(outcome);
}

/** Reads the outcome of a recorded command. */
export async function recordedOutcome(
  { key, outcome }: StoredCommand,
  { applicationName, recorder, mapper }: EventStore,
): Promise<RecordedOutcome> {
  const { pipelineId, count, correlationId, last, events, result } = JSON.parse(outcome) as OutcomeData;
  const [place] = last === undefined ? [] : await recorder.locate([last]);
  if (last !== undefined && place === undefined) {
    throw new StorageError(
      'STORAGE_CORRUPT',
      applicationName,
      `Application '${applicationName}' has recorded a command with the idempotency key '${key}', but not version ` +
        `${last.originatorVersion} of aggregate '${last.originatorId}', which is its last event. Restore the storage from a backup.`,
    );
  }
  const notificationId = place?.notificationId ?? 0;
  return {
    saved: { applicationName, pipelineId, notificationId, count, correlationId },
    result: result === undefined ? undefined : mapper.toState(result),
    events,
  };
}
