import type {
  HistoryRequest,
  ProcessEvent,
  Recorder,
  StoredEvent,
  StoredSnapshot,
  Tracking,
} from '../../storage/index.ts';

/** Creates an event whose data contain its version. */
export function event(originatorId: string, originatorVersion: number): StoredEvent {
  const data = `{"version":${originatorVersion}}`;
  return {
    originatorId,
    originatorVersion,
    type: 'Order.Changed',
    data,
    timestamp: 1_700_000_000_000 + originatorVersion,
  };
}

/** Creates the snapshot of an aggregate at a version. */
export function snapshot(originatorId: string, originatorVersion: number): StoredSnapshot {
  return { originatorId, originatorVersion, schema: 1, state: `{"snapshot":${originatorVersion}}` };
}

/** Creates a process event of some events. */
export function processEvent(...events: StoredEvent[]): ProcessEvent {
  return { events, snapshots: [] };
}

/** Creates a process event that moves a position. */
export function tracked(
  upstreamName: string,
  expected: number,
  position: number,
  ...events: StoredEvent[]
): ProcessEvent {
  const tracking: Tracking = { upstreamName, expected, position };
  return { events, snapshots: [], tracking };
}

/** Returns the fields that every history has: a recorder may return more. */
export function plain({ originatorId, originatorVersion, type, data, timestamp }: StoredEvent): StoredEvent {
  return { originatorId, originatorVersion, type, data, timestamp };
}

/** Reads the versions of the events in a history. */
export async function versions(
  recorder: Recorder,
  request: Partial<HistoryRequest> & { originatorId: string },
): Promise<number[]> {
  const [history] = await recorder.histories([{ after: 0, useSnapshot: false, ...request }]);
  return history?.events.map(({ originatorVersion }) => originatorVersion) ?? [];
}
