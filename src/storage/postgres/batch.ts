import { randomUUID } from 'node:crypto';
import { PositionConflictError, RecordConflictError } from '../errors.ts';
import type { ProcessEvent, Tracking } from '../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import { type Shape, textSeparator } from './append-statements.ts';

/** The recorded versions and positions that a batch builds on. */
export interface RecordedState {
  /** Newest version by aggregate id; 0 if there is none. */
  readonly versions: ReadonlyMap<string, number>;
  /** Position by upstream name; 0 if there is none. */
  readonly positions: ReadonlyMap<string, number>;
}

/** Process events that one statement records in the log of a pipeline. */
export class Batch {
  readonly pipelineId: number;
  readonly processEvents: readonly ProcessEvent[];
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  /** One move per upstream: from the first expected position to the last position. */
  readonly trackings: readonly Tracking[];
  /** First event of each aggregate. */
  readonly firsts: readonly StoredEvent[];
  /** Distinguishes the events of this call from equal events of other calls. */
  readonly commitId: string;

  constructor(pipelineId: number, processEvents: readonly ProcessEvent[]) {
    this.pipelineId = pipelineId;
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

  /** Key of the statement that records the batch. */
  get shape(): Shape {
    const { events, snapshots, trackings } = this;
    const isPlain = events.every((event) => event.dependencies === undefined && hasPlainTexts(event));
    if (!isPlain || snapshots.length > 0 || trackings.length > 1) return 'any';
    const [tracking] = trackings;
    if (tracking === undefined) return events.every(({ cause }) => cause === undefined) ? 'events' : 'any';
    if (tracking.expected === 0 || !this.#hasCausesOfOneLog) return 'any';
    return events.length === 1 ? 'single' : 'next';
  }

  /** Whether all causes are in the log of one application and the same pipeline, or no event has a cause. */
  get #hasCausesOfOneLog(): boolean {
    const name = this.events[0]?.cause?.applicationName;
    return this.events.every(
      ({ cause }) =>
        cause?.applicationName === name && (cause?.pipelineId ?? this.pipelineId) === this.pipelineId,
    );
  }

  /** Whether the batch is free of internal conflicts, so that some recorded state accepts it. */
  get isConsistent(): boolean {
    const versions = new Map(this.firsts.map((event) => [event.originatorId, event.originatorVersion - 1]));
    const positions = new Map(this.trackings.map(({ upstreamName, expected }) => [upstreamName, expected]));
    return this.conflictWith({ versions, positions }, '') === undefined;
  }

  /** Returns the first conflict between the batch and the recorded state; undefined if there is none. */
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

  /** Returns whether each position has the value that the batch moves it to. */
  isReached({ positions }: RecordedState): boolean {
    return this.trackings.every(({ upstreamName, position }) => positions.get(upstreamName) === position);
  }
}

/** Whether the texts of an event can be joined into one parameter, see {@link textSeparator}. */
function hasPlainTexts({ data, metadata }: StoredEvent): boolean {
  return isPlainText(data) && (metadata === undefined || isPlainText(metadata));
}

function isPlainText(text: string): boolean {
  return text !== '' && !text.includes(textSeparator);
}

/** Returns 64 random bits as a signed number. The bits come from a UUID, because Node caches random bytes for UUIDs. */
function newCommitId(): string {
  const id = randomUUID();
  return `${BigInt.asIntN(64, BigInt(`0x${id.slice(0, 8)}${id.slice(-8)}`))}`;
}

/** Returns the last snapshot of each aggregate and version, in the same order for all writers. */
export function distinctSnapshots(snapshots: readonly StoredSnapshot[]): readonly StoredSnapshot[] {
  if (snapshots.length < 2) return snapshots;
  const byKey = new Map(snapshots.map((one) => [`${one.originatorId}\0${one.originatorVersion}`, one]));
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}

/** Joins the moves of each position, in the same order for all writers. */
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
