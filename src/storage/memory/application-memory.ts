import { PositionConflictError, RecordConflictError } from '../errors.ts';
import type { EventKey, History, HistoryRequest, ProcessEvent } from '../recorder.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import type { Contents } from './shared/initial-entries.ts';
import type { Call } from './shared/journal-entry.ts';
import { insertByVersion, lengthUpTo } from './sorted-by-version.ts';

/** All that one application has recorded. Every method runs to its end at once, so each is a transaction. */
export class ApplicationMemory {
  readonly applicationName: string;
  readonly #logs = new Map<number, StoredNotification[]>();
  readonly #positions = new Map<number, Map<string, number>>();
  // The event of version n stands at index n - 1; snapshots ascend by version.
  readonly #events = new Map<string, StoredNotification[]>();
  readonly #snapshots = new Map<string, StoredSnapshot[]>();

  constructor(applicationName: string) {
    this.applicationName = applicationName;
  }

  get contents(): Contents {
    return { logs: this.#logs, positions: this.#positions, snapshots: this.#snapshots };
  }

  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    // Whatever can be refused comes first: positions are only worked out here, and events can be taken back.
    const moved = this.#movedPositions(pipelineId, processEvents);
    const log = this.#logOf(pipelineId);
    const before = log.length;
    for (const { events } of processEvents) {
      for (const event of events) {
        if (!this.#append(log, event)) throw this.#takeBack(log, before, event);
      }
    }
    if (moved !== undefined) this.#movePositions(pipelineId, moved);
    for (const { snapshots } of processEvents) this.#recordSnapshots(snapshots);
    return log.length;
  }

  /** Does again what a replica of this has recorded, of which nothing can be refused. */
  replay({ pipelineId, processEvents }: Call): void {
    const log = this.#logOf(pipelineId);
    for (const { events, snapshots, tracking } of processEvents) {
      for (const event of events) {
        const notification = { id: log.length + 1, ...event };
        log.push(notification);
        entry(this.#events, event.originatorId, () => []).push(notification);
      }
      if (tracking !== undefined) {
        this.#movePositions(pipelineId, new Map([[tracking.upstreamName, tracking.position]]));
      }
      this.#recordSnapshots(snapshots);
    }
  }

  history({ originatorId, after, upTo = Infinity, useSnapshot }: HistoryRequest): History {
    const snapshot = useSnapshot ? this.#snapshotWithin(originatorId, after, upTo) : undefined;
    const events = this.#events.get(originatorId) ?? [];
    return { snapshot, events: events.slice(snapshot?.originatorVersion ?? after, Math.max(upTo, 0)) };
  }

  locate({ originatorId, originatorVersion }: EventKey): LogPlace | undefined {
    const found = this.#events.get(originatorId)?.[originatorVersion - 1];
    if (found === undefined) return undefined;
    // Kept as one object in both places, so its log is the one that has it.
    for (const [pipelineId, log] of this.#logs) {
      if (log[found.id - 1] === found) return { pipelineId, notificationId: found.id };
    }
    return undefined;
  }

  notifications(pipelineId: number, after: number, limit: number): StoredNotification[] {
    return this.#logs.get(pipelineId)?.slice(after, after + limit) ?? []; // the id n stands at index n - 1
  }

  head(pipelineId: number): number {
    return this.#logs.get(pipelineId)?.length ?? 0;
  }

  position(pipelineId: number, upstreamName: string): number {
    return this.#positions.get(pipelineId)?.get(upstreamName) ?? 0;
  }

  #recordSnapshots(snapshots: readonly StoredSnapshot[]): void {
    for (const { originatorId, originatorVersion, schema, state } of snapshots) {
      const list = entry(this.#snapshots, originatorId, () => []);
      const snapshot = { originatorId, originatorVersion, schema, state };
      if (insertByVersion(list, snapshot)) continue;
      list[lengthUpTo(list, originatorVersion) - 1] = snapshot;
    }
  }

  #logOf(pipelineId: number): StoredNotification[] {
    return this.#logs.get(pipelineId) ?? entry(this.#logs, pipelineId, () => []);
  }

  #movePositions(pipelineId: number, moved: ReadonlyMap<string, number>): void {
    const positions = entry(this.#positions, pipelineId, () => new Map());
    for (const [upstreamName, position] of moved) positions.set(upstreamName, position);
  }

  #movedPositions(
    pipelineId: number,
    processEvents: readonly ProcessEvent[],
  ): Map<string, number> | undefined {
    let moved: Map<string, number> | undefined;
    for (const { tracking } of processEvents) {
      if (tracking === undefined) continue;
      const { upstreamName, expected, position } = tracking;
      const recorded = this.position(pipelineId, upstreamName);
      if ((moved?.get(upstreamName) ?? recorded) !== expected) {
        throw new PositionConflictError(this.applicationName, upstreamName, expected, recorded);
      }
      moved ??= new Map();
      moved.set(upstreamName, position);
    }
    return moved;
  }

  #append(log: StoredNotification[], event: StoredEvent): boolean {
    const notification = notificationOf(event, log.length + 1);
    const { originatorId, originatorVersion } = notification;
    const known = this.#events.get(originatorId);
    if (originatorVersion !== (known?.length ?? 0) + 1) return false;
    if (known === undefined) this.#events.set(originatorId, [notification]);
    else known.push(notification);
    log.push(notification);
    return true;
  }

  #takeBack(log: StoredNotification[], before: number, refused: StoredEvent): RecordConflictError {
    for (const { originatorId } of log.splice(before)) {
      const events = this.#events.get(originatorId) ?? [];
      events.pop();
      if (events.length === 0) this.#events.delete(originatorId);
    }
    const { originatorId, originatorVersion } = refused;
    const current = this.#events.get(originatorId)?.at(-1)?.originatorVersion ?? 0;
    return new RecordConflictError(this.applicationName, originatorId, originatorVersion, current);
  }

  #snapshotWithin(originatorId: string, after: number, upTo: number): StoredSnapshot | undefined {
    const snapshots = this.#snapshots.get(originatorId) ?? [];
    const newest = snapshots[lengthUpTo(snapshots, upTo) - 1];
    return newest !== undefined && newest.originatorVersion > after ? newest : undefined;
  }
}

/** Only the fields that storage keeps. */
function notificationOf(event: StoredEvent, id: number): StoredNotification {
  const { originatorId, originatorVersion, type, data, timestamp, dependencies } = event;
  const notification = { id, originatorId, originatorVersion, type, data, timestamp };
  return dependencies === undefined ? notification : { ...notification, dependencies };
}

/** What the map has at the key, made first if there is nothing. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
