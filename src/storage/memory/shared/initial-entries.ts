import type { StoredNotification, StoredSnapshot } from '../../stored-event.ts';
import type { Call } from './journal-entry.ts';

/** All that one application has recorded, to be read only. */
export interface Contents {
  readonly logs: ReadonlyMap<number, readonly StoredNotification[]>;
  readonly positions: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly snapshots: ReadonlyMap<string, readonly StoredSnapshot[]>;
}

const maxEvents = 1_000;

/** Calls that would record the same again. */
export function* callsOf({ logs, positions, snapshots }: Contents): Generator<Call> {
  yield* callsOfLogs(logs);
  for (const [pipelineId, moved] of positions) {
    for (const [upstreamName, position] of moved) {
      const tracking = { upstreamName, expected: 0, position };
      yield { pipelineId, processEvents: [{ events: [], snapshots: [], tracking }] };
    }
  }
  for (const own of snapshots.values())
    yield { pipelineId: 0, processEvents: [{ events: [], snapshots: own }] };
}

/** Several logs may have events of one aggregate: each is read as far as the next version stands in it. */
function* callsOfLogs(logs: Contents['logs']): Generator<Call> {
  const newest = new Map<string, number>();
  const read = new Map<number, number>();
  const next = (pipelineId: number, log: readonly StoredNotification[]): StoredNotification[] => {
    const start = read.get(pipelineId) ?? 0;
    let end = start;
    for (const { originatorId, originatorVersion } of log.slice(start, start + maxEvents)) {
      if (originatorVersion !== (newest.get(originatorId) ?? 0) + 1) break;
      newest.set(originatorId, originatorVersion);
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
