import type { RecordedOperation, RecordedPosition } from '../../recorder.ts';
import { sizeOfEvent } from '../../sizes.ts';
import type { StoredNotification, StoredSnapshot } from '../../stored-event.ts';
import type { RecordCall } from './journal-entry.ts';

/** Everything that one application has recorded. */
export interface ApplicationContents {
  readonly logs: ReadonlyMap<number, readonly StoredNotification[]>;
  readonly positions: readonly RecordedPosition[];
  readonly operations: readonly RecordedOperation[];
  readonly snapshots: ReadonlyMap<string, readonly StoredSnapshot[]>;
}

/** Most events in a call, and their size in characters at which a call ends. */
const maxEventsPerCall = 1_000;
const maxCallSize = 8_000_000;

/** Yields calls that record the same contents again. */
export function* callsToRecord({
  logs,
  positions,
  operations,
  snapshots,
}: ApplicationContents): Generator<RecordCall> {
  yield* callsToRecordLogs(logs);
  for (const { pipelineId, upstreamName, position, mark, handledTypes, typesVersion } of positions) {
    const tracking = { upstreamName, expected: 0, position, mark };
    yield { pipelineId, processEvents: [{ events: [], snapshots: [], tracking }] };
    if (handledTypes === undefined) continue;
    const types = { upstreamName, expectedVersion: typesVersion - 1, types: handledTypes };
    yield { pipelineId, processEvents: [], types };
  }
  for (const operation of operations) {
    yield { pipelineId: 0, processEvents: [{ events: [], snapshots: [], operation }] };
  }
  for (const ofAggregate of snapshots.values()) {
    for (const snapshot of ofAggregate)
      yield { pipelineId: 0, processEvents: [{ events: [], snapshots: [snapshot] }] };
  }
}

/** Yields events so that the versions of each aggregate ascend, though its events may be in several logs. */
function* callsToRecordLogs(logs: ApplicationContents['logs']): Generator<RecordCall> {
  const newest = new Map<string, number>();
  const read = new Map<number, number>();
  const next = (pipelineId: number, log: readonly StoredNotification[]): StoredNotification[] => {
    const start = read.get(pipelineId) ?? 0;
    let end = start;
    let size = 0;
    for (const event of log.slice(start, start + maxEventsPerCall)) {
      const { originatorId, originatorVersion } = event;
      if (originatorVersion !== (newest.get(originatorId) ?? 0) + 1 || size >= maxCallSize) break;
      newest.set(originatorId, originatorVersion);
      size += sizeOfEvent(event);
      end += 1;
    }
    read.set(pipelineId, end);
    return log.slice(start, end);
  };
  for (let found = true; found; ) {
    found = false;
    for (const [pipelineId, log] of logs) {
      const events = next(pipelineId, log);
      if (events.length === 0) continue;
      found = true;
      yield { pipelineId, processEvents: [{ events, snapshots: [] }] };
    }
  }
}
