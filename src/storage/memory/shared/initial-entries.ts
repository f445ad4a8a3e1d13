import type { RecordedOperation, RecordedPosition, StoredCommand } from '../../recorder.ts';
import { sizeOfEvent } from '../../sizes.ts';
import type { StoredNotification, StoredSnapshot } from '../../stored-event.ts';
import type { ParkedContents } from '../parked-notifications.ts';
import type { RecordCall } from './journal-entry.ts';

/** Events by pipeline, in the order in which they were recorded. */
type EventLists = ReadonlyMap<number, readonly StoredNotification[]>;

/** Everything that one application has recorded. */
export interface ApplicationContents {
  readonly logs: EventLists;
  /** Events without a place in the log. */
  readonly unlisted: EventLists;
  readonly positions: readonly RecordedPosition[];
  readonly operations: readonly RecordedOperation[];
  readonly commands: readonly StoredCommand[];
  readonly parked: ParkedContents;
  readonly snapshots: ReadonlyMap<string, readonly StoredSnapshot[]>;
}

/** Most events in a call, and their size in characters at which a call ends. */
const maxEventsPerCall = 1_000;
const maxCallSize = 8_000_000;

/** Yields calls that record the same contents again. */
export function* callsToRecord({
  logs,
  unlisted,
  positions,
  operations,
  commands,
  parked,
  snapshots,
}: ApplicationContents): Generator<RecordCall> {
  yield* callsToRecordEvents([...logs, ...unlisted]);
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
  for (const command of commands) {
    yield { pipelineId: 0, processEvents: [{ events: [], snapshots: [], command }] };
  }
  const { lastId } = parked;
  if (lastId > 0) yield { pipelineId: 0, processEvents: [], restored: { lastId, entries: [] } };
  for (const entry of parked.entries) {
    yield { pipelineId: 0, processEvents: [], restored: { lastId, entries: [entry] } };
  }
  for (const ofAggregate of snapshots.values()) {
    for (const snapshot of ofAggregate)
      yield { pipelineId: 0, processEvents: [{ events: [], snapshots: [snapshot] }] };
  }
}

/** Yields events so that the versions of each aggregate ascend, though its events may be in several lists. */
function* callsToRecordEvents(
  lists: readonly (readonly [pipelineId: number, list: readonly StoredNotification[]])[],
): Generator<RecordCall> {
  const newest = new Map<string, number>();
  const read = new Map<readonly StoredNotification[], number>();
  const next = (list: readonly StoredNotification[]): StoredNotification[] => {
    const start = read.get(list) ?? 0;
    let end = start;
    let size = 0;
    for (const event of list.slice(start, start + maxEventsPerCall)) {
      const { originatorId, originatorVersion } = event;
      if (originatorVersion !== (newest.get(originatorId) ?? 0) + 1 || size >= maxCallSize) break;
      newest.set(originatorId, originatorVersion);
      size += sizeOfEvent(event);
      end += 1;
    }
    read.set(list, end);
    return list.slice(start, end);
  };
  for (let found = true; found; ) {
    found = false;
    for (const [pipelineId, list] of lists) {
      const events = next(list);
      if (events.length === 0) continue;
      found = true;
      yield { pipelineId, processEvents: [{ events, snapshots: [] }] };
    }
  }
}
