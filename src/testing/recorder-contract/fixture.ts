import type { HistoryRequest, ProcessEvent, Recorder, Tracking } from '../../storage/recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../../storage/stored-event.ts';

/** An event that is told apart by its originator and version. */
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

/** The snapshot of an aggregate at a version. */
export function snapshot(originatorId: string, originatorVersion: number): StoredSnapshot {
  return { originatorId, originatorVersion, schema: 1, state: `{"snapshot":${originatorVersion}}` };
}

/** A process event of some events. */
export function processEvent(...events: StoredEvent[]): ProcessEvent {
  return { events, snapshots: [] };
}

/** A process event that moves a position. */
export function tracked(
  upstreamName: string,
  expected: number,
  position: number,
  ...events: StoredEvent[]
): ProcessEvent {
  const tracking: Tracking = { upstreamName, expected, position };
  return { events, snapshots: [], tracking };
}

/** Only what the interface promises: a recorder may answer with more. */
export function plain({ originatorId, originatorVersion, type, data, timestamp }: StoredEvent): StoredEvent {
  return { originatorId, originatorVersion, type, data, timestamp };
}

/** The versions of the events in the history asked for. */
export async function versions(
  recorder: Recorder,
  request: Partial<HistoryRequest> & { originatorId: string },
): Promise<number[]> {
  const [history] = await recorder.histories([{ after: 0, useSnapshot: false, ...request }]);
  return history?.events.map(({ originatorVersion }) => originatorVersion) ?? [];
}
