import { performance } from 'node:perf_hooks';
import type { DomainEvent } from '../../domain/event.ts';
import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import { sizeOfEvent } from '../../storage/sizes.ts';
import type { StoredEvent, StoredNotification } from '../../storage/stored-event.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { isSameNotification } from './mark.ts';
import type { RecentLog } from './notification-log.ts';
import { RecentEvent } from './recent-event.ts';

/**
 * The notifications that this process recorded last in a log, without gaps, for followers in the same process. Another
 * writer in between leaves a gap between the ids of two commits: then only the later commit is kept. They are used and
 * continued for a short time only, because a log may be restored from an older copy.
 *
 * There are two generations. When the recent one holds half of what may be kept, it replaces the older one.
 */
export class RecentNotifications implements RecentLog {
  #older: RecentEvent[] = [];
  #recent: RecentEvent[] = [];
  /** Id of the first notification, or of the next one if none is kept. */
  #first = 1;
  /** Characters of text in the recent generation. */
  #size = 0;
  /** Time of the last commit with events, by `performance.now()`. */
  #recordedAt = 0;
  /** Whether a follower has asked for them. Nothing is kept before. */
  #isFollowed = false;

  /**
   * Adds events that this process has recorded, in the order of their commits.
   *
   * @param first Id of the first event or, if there are none, the id after the head of the log.
   * @param made The same events before they were encoded.
   */
  add(first: number, stored: readonly StoredEvent[], made: readonly DomainEvent[]): void {
    if (!this.#isFollowed) return;
    if (first !== this.#first + this.#older.length + this.#recent.length) this.#startAt(first);
    if (stored.length === 0) return;
    const now = performance.now();
    if (now - this.#recordedAt > memoryBounds.recentMs) this.#startAt(first);
    this.#recordedAt = now;
    for (let i = 0; i < stored.length; i += 1)
      this.#keep(new RecentEvent(first + i, stored[i] as StoredEvent, made[i]));
  }

  after(done: StoredNotification, limit: number): readonly StoredNotification[] {
    this.#isFollowed = true;
    const known = this.#at(done.id)?.notification;
    if (known === undefined || performance.now() - this.#recordedAt > memoryBounds.recentMs) return [];
    if (known !== done && !isSameNotification(known, done)) return [];
    const notifications: StoredNotification[] = [];
    for (let id = done.id + 1; notifications.length < limit; id += 1) {
      const next = this.#at(id);
      if (next === undefined) break;
      notifications.push(next.notification);
    }
    return notifications;
  }

  decode(notification: StoredNotification, mapper: EventMapper): ReadEvent<RecordedEvent> {
    const known = this.#at(notification.id);
    return known?.notification === notification ? known.decodedBy(mapper) : mapper.toRecorded(notification);
  }

  #at(id: number): RecentEvent | undefined {
    const index = id - this.#first;
    if (index < 0) return undefined;
    const start = this.#older.length;
    return index < start ? this.#older[index] : this.#recent[index - start];
  }

  #keep(event: RecentEvent): void {
    const { recentEvents, recentSize } = memoryBounds;
    const { notification } = event;
    const size = sizeOfEvent(notification);
    if (recentEvents < 2 || size > recentSize / 2) {
      this.#startAt(notification.id + 1);
      return;
    }
    if (this.#recent.length + 1 > recentEvents / 2 || this.#size + size > recentSize / 2) {
      this.#first += this.#older.length;
      this.#older = this.#recent;
      this.#recent = [];
      this.#size = 0;
    }
    this.#recent.push(event);
    this.#size += size;
  }

  /** Keeps nothing before a notification id. */
  #startAt(id: number): void {
    this.#older = [];
    this.#recent = [];
    this.#first = id;
    this.#size = 0;
  }
}
