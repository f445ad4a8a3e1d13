import type { Cause } from '../../domain/provenance.ts';
import { RecordConflictError } from '../errors.ts';
import { notificationOf } from '../notification.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../parked.ts';
import type {
  EventKey,
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  StoredCommand,
  StoredOperation,
  TypeCounts,
} from '../recorder.ts';
import { upToSize } from '../sizes.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { Commands, type Expiry } from './commands.ts';
import { isLarge, keepOutsideOfHeap } from './large-text.ts';
import { lastPlaces } from './log-order.ts';
import { ParkedNotifications } from './parked-notifications.ts';
import { Positions, type TypesChange } from './positions.ts';
import type { ApplicationContents } from './shared/initial-entries.ts';
import type { DecodedCall } from './shared/journal-entry.ts';
import { countUpTo, putSorted } from './sorted-list.ts';

/** Everything that one application has recorded. Each method is synchronous and therefore a transaction. */
export class ApplicationMemory {
  readonly applicationName: string;
  readonly #logs = new Map<number, StoredNotification[]>();
  // Events without a place in the log, by pipeline. The first has the id -1, the next one -2.
  readonly #unlisted = new Map<number, StoredNotification[]>();
  readonly #commands = new Commands();
  readonly #positions = new Positions();
  readonly #parked = new ParkedNotifications();
  readonly #operations: RecordedOperation[] = [];
  // The event of version n is at index n - 1; snapshots ascend by version.
  readonly #events = new Map<string, StoredNotification[]>();
  readonly #snapshots = new Map<string, StoredSnapshot[]>();

  constructor(applicationName: string) {
    this.applicationName = applicationName;
  }

  get contents(): ApplicationContents {
    return {
      logs: this.#logs,
      unlisted: this.#unlisted,
      positions: this.positions(),
      operations: this.#operations,
      commands: this.#commands.all(),
      parked: this.#parked.contents,
      snapshots: this.#snapshots,
    };
  }

  /** @param commit Called when nothing refuses the call any more; if it throws, nothing is recorded. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[], commit?: () => void): number {
    // Keys and positions are checked before anything changes; events are appended, and removed again if the call is refused.
    this.#commands.assertNew(this.applicationName, processEvents);
    this.#positions.assertMoves(this.applicationName, pipelineId, processEvents);
    const log = this.#logOf(pipelineId);
    const before = log.length;
    const unlisted = this.#unlisted.get(pipelineId)?.length ?? 0;
    for (const { events } of processEvents) {
      for (const event of events) {
        if (this.#append(pipelineId, log, event)) continue;
        this.#undo(pipelineId, before, unlisted);
        throw this.#conflict(event);
      }
    }
    const conflict = this.#parked.conflictWith(this.applicationName, pipelineId, processEvents);
    try {
      if (conflict !== undefined) throw conflict;
      commit?.();
    } catch (error) {
      this.#undo(pipelineId, before, unlisted);
      throw error;
    }
    for (const { snapshots, tracking, operation, command, parked } of processEvents) {
      if (tracking !== undefined) this.#positions.move(pipelineId, tracking);
      this.#recordSnapshots(snapshots);
      if (operation !== undefined) this.#addOperation(operation);
      if (command !== undefined) this.#commands.add(command);
      if (parked !== undefined) for (const change of parked) this.#parked.apply(pipelineId, change);
    }
    return log.length;
  }

  recordHandledTypes(pipelineId: number, change: TypesChange): number {
    this.#positions.assertTypesVersion(this.applicationName, pipelineId, change);
    this.#positions.setTypes(pipelineId, change);
    return change.expectedVersion + 1;
  }

  /** Repeats a call that another replica has recorded. It cannot conflict. */
  replay({ pipelineId, processEvents, types, expiry, parked, restored }: DecodedCall): void {
    const log = this.#logOf(pipelineId);
    if (types !== undefined) this.#positions.setTypes(pipelineId, types);
    if (expiry !== undefined) this.#commands.delete(expiry);
    if (restored !== undefined) this.#parked.restore(restored);
    for (const change of parked) this.#parked.apply(pipelineId, change);
    for (const { events, snapshots, tracking, operation, command } of processEvents) {
      for (const event of events) this.#append(pipelineId, log, event);
      if (tracking !== undefined) this.#positions.move(pipelineId, tracking);
      if (operation !== undefined) this.#addOperation(operation);
      if (command !== undefined) this.#commands.add(command);
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
    if (found.id < 0) return this.#placeOfUnlisted(found);
    // The same object is in the log and in the list of its aggregate.
    for (const [pipelineId, log] of this.#logs) {
      if (log[found.id - 1] === found) return { pipelineId, notificationId: found.id };
    }
    return undefined;
  }

  notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Infinity,
  ): StoredNotification[] {
    const log = this.#logs.get(pipelineId) ?? [];
    return upToSize(log.slice(after, after + limit), maxSize); // id n is at index n - 1
  }

  causes(pipelineId: number, after: number, limit: number): (Cause | undefined)[] {
    return this.notifications(pipelineId, after, limit).map(({ cause }) => cause);
  }

  countTypes(pipelineId: number, after: number, limit: number): TypeCounts {
    const log = this.#logs.get(pipelineId) ?? [];
    const unlisted = this.#unlisted.get(pipelineId) ?? [];
    const counts = new Map<string, number>();
    let last: number | undefined;
    let id = Math.max(after + 1, -unlisted.length);
    for (let left = limit; left > 0; left -= 1, id += 1) {
      if (id === 0) id = 1; // the ids are -n to -1, and 1 to n
      const found = id < 0 ? unlisted[-id - 1] : log[id - 1];
      if (found === undefined) break;
      counts.set(found.type, (counts.get(found.type) ?? 0) + 1);
      last = id;
    }
    return { counts, last };
  }

  logs(): LogPlace[] {
    return lastPlaces([...this.#logs].map(([pipelineId, { length }]) => [pipelineId, length]));
  }

  positions(): RecordedPosition[] {
    return this.#positions.all();
  }

  head(pipelineId: number): number {
    return this.#logs.get(pipelineId)?.length ?? 0;
  }

  position(pipelineId: number, upstreamName: string): RecordedPosition {
    return this.#positions.get(pipelineId, upstreamName);
  }

  operations(after: number, limit: number): RecordedOperation[] {
    return this.#operations.slice(after, after + limit); // id n is at index n - 1
  }

  command(key: string): StoredCommand | undefined {
    return this.#commands.get(key);
  }

  deleteCommands(expiry: Expiry): number {
    return this.#commands.delete(expiry);
  }

  parked(request: ParkedRequest): ParkedNotification[] {
    return this.#parked.page(request);
  }

  countParked(): ParkedCount[] {
    return this.#parked.counts();
  }

  #placeOfUnlisted(event: StoredNotification): LogPlace | undefined {
    for (const [pipelineId, unlisted] of this.#unlisted) {
      if (unlisted[-event.id - 1] === event) return { pipelineId, notificationId: 0 };
    }
    return undefined;
  }

  #addOperation({ timestamp, kind, by, reason, details }: StoredOperation): void {
    this.#operations.push({ id: this.#operations.length + 1, timestamp, kind, by, reason, details });
  }

  #recordSnapshots(snapshots: readonly StoredSnapshot[]): void {
    for (const { originatorId, originatorVersion, schema, state } of snapshots) {
      const snapshot = { originatorId, originatorVersion, schema, state };
      if (isLarge(state)) keepOutsideOfHeap(snapshot, 'state');
      putSorted(
        getOrInsert(this.#snapshots, originatorId, () => []),
        snapshot,
        versionOf,
      );
    }
  }

  #logOf(pipelineId: number): StoredNotification[] {
    return this.#logs.get(pipelineId) ?? getOrInsert(this.#logs, pipelineId, () => []);
  }

  /** Appends an event and returns true if its version is the next version. */
  #append(pipelineId: number, log: StoredNotification[], event: StoredEvent): boolean {
    const isListed = event.notifiable !== false;
    const list = isListed ? log : getOrInsert(this.#unlisted, pipelineId, () => []);
    const notification = keptNotification(event, isListed ? list.length + 1 : -list.length - 1);
    const { originatorId, originatorVersion } = notification;
    const known = this.#events.get(originatorId);
    if (originatorVersion !== (known?.length ?? 0) + 1) return false;
    if (known === undefined) this.#events.set(originatorId, [notification]);
    else known.push(notification);
    list.push(notification);
    return true;
  }

  /** Removes the events behind these numbers of events with and without a place in the log. */
  #undo(pipelineId: number, listed: number, unlisted: number): void {
    this.#remove(this.#logs.get(pipelineId)?.splice(listed));
    this.#remove(this.#unlisted.get(pipelineId)?.splice(unlisted));
  }

  /** Removes events that were appended last from the lists of their aggregates. */
  #remove(appended: readonly StoredNotification[] = []): void {
    for (const { originatorId } of appended) {
      const events = this.#events.get(originatorId) ?? [];
      events.pop();
      if (events.length === 0) this.#events.delete(originatorId);
    }
  }

  #conflict({ originatorId, originatorVersion }: StoredEvent): RecordConflictError {
    const current = this.#events.get(originatorId)?.at(-1)?.originatorVersion ?? 0;
    return new RecordConflictError(this.applicationName, originatorId, originatorVersion, current);
  }

  #snapshotWithin(originatorId: string, after: number, upTo: number): StoredSnapshot | undefined {
    const snapshots = this.#snapshots.get(originatorId) ?? [];
    const newest = snapshots[countUpTo(snapshots, upTo, versionOf) - 1];
    return newest !== undefined && newest.originatorVersion > after ? newest : undefined;
  }
}

function versionOf({ originatorVersion }: StoredSnapshot): number {
  return originatorVersion;
}

/** Copies the fields that storage keeps. Large texts stay outside of the heap. */
function keptNotification(event: StoredEvent, id: number): StoredNotification {
  const notification = notificationOf(event, id);
  if (event.notifiable === false) notification.notifiable = false;
  const { data, metadata } = event;
  if (isLarge(data)) keepOutsideOfHeap(notification, 'data');
  if (isLarge(metadata)) keepOutsideOfHeap(notification as { metadata: string }, 'metadata');
  return notification;
}

/** Returns the value at the key, created first if there is none. */
function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
