import { randomUUID } from 'node:crypto';
import {
  KeyConflictError,
  ParkedConflictError,
  PositionConflictError,
  type PositionState,
  RecordConflictError,
} from '../../errors.ts';
import { type ParkedChange, parkedChanges, parkedKey, repeatedChange } from '../../parked.ts';
import type { ProcessEvent, StoredCommand, StoredOperation, Tracking } from '../../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../../stored-event.ts';
import { type Shape, textSeparator } from './append-statements.ts';

/** The recorded versions, positions, keys and parked notifications that a batch builds on. */
export interface RecordedState {
  /** Newest version by aggregate id; 0 if there is none. */
  readonly versions: ReadonlyMap<string, number>;
  /** Position and version of the handled types by upstream name; 0 if there is none. */
  readonly positions: ReadonlyMap<string, PositionState>;
  /** Keys of the commands of the batch that are recorded. */
  readonly keys: readonly string[];
  /** Revision of parked notifications that the batch changes, by {@link parkedKey}. */
  readonly revisions: ReadonlyMap<string, number>;
}

/** Process events that one statement records in the log of a pipeline. */
export class Batch {
  readonly pipelineId: number;
  readonly processEvents: readonly ProcessEvent[];
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  /** One move per upstream: from the first expected position to the last position. */
  readonly trackings: readonly Tracking[];
  readonly operations: readonly StoredOperation[];
  /** In the same order for all writers. */
  readonly commands: readonly StoredCommand[];
  readonly parked: readonly ParkedChange[];
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
    this.operations = processEvents.flatMap(({ operation }) => operation ?? []);
    this.commands = sorted(processEvents.flatMap(({ command }) => command ?? []));
    this.parked = parkedChanges(processEvents);
    const firsts = new Map<string, StoredEvent>();
    for (const event of this.events) {
      if (!firsts.has(event.originatorId)) firsts.set(event.originatorId, event);
    }
    this.firsts = [...firsts.values()];
    this.commitId = newCommitId();
  }

  /** Key of the statement that records the batch. */
  get shape(): Shape {
    const { events, snapshots, trackings, operations, commands, parked } = this;
    const isParking = parked.length > 0;
    if (operations.length > 0 || (isParking && commands.length > 0)) return 'operated';
    if (isParking) return 'parked';
    if (commands.length > 0) return 'keyed';
    const isPlain = events.every(
      (event) => event.dependencies === undefined && event.notifiable !== false && hasPlainTexts(event),
    );
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
    const positions = new Map(
      this.trackings.map((tracking) => [tracking.upstreamName, expectedBy(tracking)]),
    );
    const revisions = new Map(this.parked.map((change) => [parkedKey(change), change.expected]));
    return this.conflictWith({ versions, positions, keys: [], revisions }, '') === undefined;
  }

  /** Whether the batch leaves no rows that stay but positions: other writers may change or delete what it parks. */
  get onlyParks(): boolean {
    const { events, operations, commands, parked } = this;
    return parked.length > 0 && events.length + operations.length + commands.length === 0;
  }

  /** Returns the first conflict between the batch and the recorded state; undefined if there is none. */
  conflictWith(
    { versions, positions, keys, revisions }: RecordedState,
    applicationName: string,
  ): KeyConflictError | RecordConflictError | PositionConflictError | ParkedConflictError | undefined {
    const used = new Set(keys);
    for (const { key } of this.commands) {
      if (used.has(key)) return new KeyConflictError(applicationName, key);
      used.add(key);
    }
    const version = new Map(versions);
    const moved = new Map<string, number>();
    for (const { events, tracking } of this.processEvents) {
      for (const { originatorId, originatorVersion } of events) {
        if (originatorVersion !== (version.get(originatorId) ?? 0) + 1) {
          const current = versions.get(originatorId) ?? 0;
          return new RecordConflictError(applicationName, originatorId, originatorVersion, current);
        }
        version.set(originatorId, originatorVersion);
      }
      if (tracking === undefined) continue;
      const { upstreamName, expected, position, typesVersion = 0 } = tracking;
      const actual = positions.get(upstreamName) ?? unset;
      const isMoved = (moved.get(upstreamName) ?? actual.position) !== expected;
      if (isMoved || (actual.typesVersion ?? 0) !== typesVersion) {
        return new PositionConflictError(applicationName, upstreamName, expectedBy(tracking), actual);
      }
      moved.set(upstreamName, position);
    }
    const unexpected = this.parked.find((change) => {
      const revision = revisions.get(parkedKey(change)) ?? 0;
      return revision !== change.expected || (revision === 0 && change.content === undefined);
    });
    const refused = unexpected ?? repeatedChange(this.parked);
    return refused && new ParkedConflictError(applicationName, refused);
  }

  /**
   * Returns whether the batch has nothing to record but positions, which all have the values that it moves them to, and
   * deletions of parked notifications, which are all deleted. It does not matter which call has done it.
   */
  isReachedBy({ positions, revisions }: RecordedState): boolean {
    const { events, operations, commands, trackings, parked } = this;
    if (events.length > 0 || operations.length > 0 || commands.length > 0) return false;
    if (parked.some((change) => change.content !== undefined || revisions.has(parkedKey(change))))
      return false;
    return trackings.every(
      ({ upstreamName, position }) => (positions.get(upstreamName) ?? unset).position === position,
    );
  }
}

/** State of a position that is not recorded. */
const unset: PositionState = { position: 0 };

function expectedBy({ expected, typesVersion = 0 }: Tracking): PositionState {
  return { position: expected, typesVersion };
}

/** Whether the texts of an event can be joined into one parameter, see {@link textSeparator}. */
function hasPlainTexts({ data, metadata }: StoredEvent): boolean {
  return isPlainText(data) && (metadata === undefined || isPlainText(metadata));
}

function isPlainText(text: string): boolean {
  return text !== '' && !text.includes(textSeparator);
}

/** Orders commands by their keys. */
function sorted(commands: readonly StoredCommand[]): readonly StoredCommand[] {
  return commands.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/** Returns 64 random bits as a signed number. The bits come from a UUID, because Node caches random bytes for UUIDs. */
export function newCommitId(): string {
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
    const { upstreamName, position, mark } = tracking;
    const { expected, typesVersion = 0 } = joined.get(upstreamName) ?? tracking;
    joined.set(upstreamName, { upstreamName, expected, position, mark, typesVersion });
  }
  return [...joined.keys()].sort().flatMap((name) => joined.get(name) ?? []);
}
