import type { Cause } from '../../../domain/provenance.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../../parked.ts';
import type { RecordedPosition } from '../../recorder.ts';
import { sizeOfEvent } from '../../sizes.ts';
import type { LogPlace, StoredNotification } from '../../stored-event.ts';
import { lastPlaces } from '../log-order.ts';
import { ParkedNotifications } from '../parked-notifications.ts';
import { Positions } from '../positions.ts';
import { countUpTo } from '../sorted-list.ts';
import type { Journal } from './journal.ts';
import { type EntryHead, processEventsOf } from './journal-entry.ts';

/** The log of one pipeline: the offset and the last notification id of each journal entry with events of it. */
interface IndexedLog {
  readonly offsets: number[];
  readonly lastIds: number[];
}

/**
 * Finds the notifications of an application in a journal. It does not keep the events: a follower reads each of them
 * once, so they are decoded when they are read.
 */
export class LogIndex {
  readonly #journal: Journal;
  readonly #logs = new Map<number, IndexedLog>();
  readonly #positions = new Positions();
  readonly #parked = new ParkedNotifications();
  /** The entry read last, since the next read may start in the middle of it. */
  #recent: { readonly offset: number; readonly notifications: StoredNotification[] } | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Adds the journal entry at an offset, given its head. */
  add({ pipelineId, count, moves, types, parked, restored }: EntryHead, offset: number): void {
    for (const move of moves) this.#positions.move(pipelineId, move);
    if (types !== undefined) this.#positions.setTypes(pipelineId, types);
    if (restored !== undefined) this.#parked.restore(restored);
    for (const change of parked) this.#parked.apply(pipelineId, change);
    if (count === 0) return;
    const log = this.#logs.get(pipelineId) ?? { offsets: [], lastIds: [] };
    log.lastIds.push((log.lastIds.at(-1) ?? 0) + count);
    log.offsets.push(offset);
    this.#logs.set(pipelineId, log);
  }

  notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Infinity,
  ): StoredNotification[] {
    const found: StoredNotification[] = [];
    let size = 0;
    for (const notification of this.#notificationsAfter(pipelineId, after)) {
      if (found.length >= limit || size >= maxSize) break;
      size += sizeOfEvent(notification);
      found.push(notification);
    }
    return found;
  }

  causes(pipelineId: number, after: number, limit: number): (Cause | undefined)[] {
    const causes: (Cause | undefined)[] = [];
    for (const { cause } of this.#notificationsAfter(pipelineId, after)) {
      if (causes.length >= limit) break;
      causes.push(cause);
    }
    return causes;
  }

  logs(): LogPlace[] {
    return lastPlaces([...this.#logs].map(([pipelineId, { lastIds }]) => [pipelineId, lastIds.at(-1) ?? 0]));
  }

  positions(): RecordedPosition[] {
    return this.#positions.all();
  }

  head(pipelineId: number): number {
    return this.#logs.get(pipelineId)?.lastIds.at(-1) ?? 0;
  }

  position(pipelineId: number, upstreamName: string): RecordedPosition {
    return this.#positions.get(pipelineId, upstreamName);
  }

  parked(request: ParkedRequest): ParkedNotification[] {
    return this.#parked.page(request);
  }

  countParked(): ParkedCount[] {
    return this.#parked.counts();
  }

  /** Yields the notifications with ids above `after`. Decodes an entry when its first notification is needed. */
  *#notificationsAfter(pipelineId: number, after: number): Generator<StoredNotification> {
    const log = this.#logs.get(pipelineId);
    if (log === undefined) return;
    for (let index = countUpTo(log.lastIds, after, itself); index < log.offsets.length; index += 1) {
      const firstId = (log.lastIds[index - 1] ?? 0) + 1;
      const notifications = this.#read(log.offsets[index] ?? 0, firstId);
      for (let i = Math.max(after + 1 - firstId, 0); i < notifications.length; i += 1)
        yield notifications[i] as StoredNotification;
    }
  }

  #read(offset: number, firstId: number): StoredNotification[] {
    if (this.#recent?.offset !== offset) {
      const events = processEventsOf(this.#journal.readBody(offset)).flatMap((one) => one.events);
      const listed = events.filter(({ notifiable }) => notifiable !== false);
      const notifications = listed.map((event, index) => ({ id: firstId + index, ...event }));
      this.#recent = { offset, notifications };
    }
    return this.#recent.notifications;
  }
}

function itself(id: number): number {
  return id;
}
