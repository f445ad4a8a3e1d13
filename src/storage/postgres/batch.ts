import { randomUUID } from 'node:crypto';
import { PositionConflictError, RecordConflictError } from '../errors.ts';
import type { ProcessEvent, Tracking } from '../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import type { Shape } from './statements.ts';

/** What is on record of what a batch is about. */
export interface RecordedState {
  /** The newest versions of the aggregates, by their ids; 0 if there is nothing. */
  readonly versions: ReadonlyMap<string, number>;
  /** The positions in the logs of the upstreams, by their names; 0 if there is none. */
  readonly positions: ReadonlyMap<string, number>;
}

/** Process events that are recorded by one statement, as the columns of what is to be written. */
export class Batch {
  readonly processEvents: readonly ProcessEvent[];
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  /** One for each upstream: from where it is expected to be to where it ends. */
  readonly trackings: readonly Tracking[];
  /** The first event of each aggregate. */
  readonly firsts: readonly StoredEvent[];
  /** Tells what this call has recorded from what anybody else has. */
  readonly commitId: string;

  constructor(processEvents: readonly ProcessEvent[]) {
    this.processEvents = processEvents;
    this.events = processEvents.flatMap(({ events }) => events);
    this.snapshots = distinctSnapshots(processEvents.flatMap(({ snapshots }) => snapshots));
    this.trackings = joinedTrackings(processEvents);
    const firsts = new Map<string, StoredEvent>();
    for (const event of this.events) {
      if (!firsts.has(event.originatorId)) firsts.set(event.originatorId, event);
    }
    this.firsts = [...firsts.values()];
    this.commitId = newCommitId();
  }

  get isEmpty(): boolean {
    return this.events.length === 0 && this.snapshots.length === 0 && this.trackings.length === 0;
  }

  /** Which statement records it. */
  get shape(): Shape {
    const hasDependencies = this.events.some(({ dependencies }) => dependencies !== undefined);
    if (hasDependencies || this.snapshots.length > 0 || this.trackings.length > 1) return 'any';
    const [tracking] = this.trackings;
    if (tracking === undefined) return 'events';
    if (tracking.expected === 0) return 'any';
    return this.events.length === 1 ? 'single' : 'next';
  }

  /** Whether it could be recorded by somebody who has all that it builds on. */
  get isConsistent(): boolean {
    const versions = new Map(this.firsts.map((event) => [event.originatorId, event.originatorVersion - 1]));
    const positions = new Map(this.trackings.map(({ upstreamName, expected }) => [upstreamName, expected]));
    return this.conflictWith({ versions, positions }, '') === undefined;
  }

  /** What keeps it from being recorded: the first rule that it breaks. */
  conflictWith(
    { versions, positions }: RecordedState,
    applicationName: string,
  ): RecordConflictError | PositionConflictError | undefined {
    const version = new Map(versions);
    const moved = new Map(positions);
    for (const { events, tracking } of this.processEvents) {
      for (const { originatorId, originatorVersion } of events) {
        if (originatorVersion !== (version.get(originatorId) ?? 0) + 1) {
          const current = versions.get(originatorId) ?? 0;
          return new RecordConflictError(applicationName, originatorId, originatorVersion, current);
        }
        version.set(originatorId, originatorVersion);
      }
      if (tracking === undefined) continue;
      const { upstreamName, expected, position } = tracking;
      if ((moved.get(upstreamName) ?? 0) !== expected) {
        const actual = positions.get(upstreamName) ?? 0;
        return new PositionConflictError(applicationName, upstreamName, expected, actual);
      }
      moved.set(upstreamName, position);
    }
    return undefined;
  }

  /** Whether each position is where it was to be moved to. */
  isReached({ positions }: RecordedState): boolean {
    return this.trackings.every(({ upstreamName, position }) => positions.get(upstreamName) === position);
  }
}

/** 64 random bits as a signed number, out of a UUID: Node keeps random bytes for those ready. */
function newCommitId(): string {
  const id = randomUUID();
  return `${BigInt.asIntN(64, BigInt(`0x${id.slice(0, 8)}${id.slice(-8)}`))}`;
}

/** The last one of each aggregate and version, in an order that all writers have in common. */
export function distinctSnapshots(snapshots: readonly StoredSnapshot[]): readonly StoredSnapshot[] {
  if (snapshots.length < 2) return snapshots;
  const byKey = new Map(snapshots.map((one) => [`${one.originatorId}\0${one.originatorVersion}`, one]));
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}

/** Several moves in one log are one move, from the first start to the last end. */
function joinedTrackings(processEvents: readonly ProcessEvent[]): readonly Tracking[] {
  const joined = new Map<string, Tracking>();
  for (const { tracking } of processEvents) {
    if (tracking === undefined) continue;
    const { upstreamName, position } = tracking;
    const expected = joined.get(upstreamName)?.expected ?? tracking.expected;
    joined.set(upstreamName, { upstreamName, expected, position });
  }
  return [...joined.keys()].sort().flatMap((name) => joined.get(name) ?? []);
}
