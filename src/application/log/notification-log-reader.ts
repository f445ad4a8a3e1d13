import type { DomainEvent } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { assertCount, assertNoGap, LogGapError, type NotificationLog } from './notification-log.ts';

/** Number of notifications that are read at once. */
const pageSize = 100;

/** An event and its id in a notification log. */
export interface Notification<E extends DomainEvent = DomainEvent> {
  /** Number of the event in its log; the first is 1. */
  readonly id: number;
  readonly event: RecordedEvent<E>;
}

/**
 * Reads a notification log, starting after a position.
 *
 * @example
 * await using orders = await Orders.open({ storage: memory() });
 * await orders.place('ada');
 * for await (const { id, event } of orders.reader()) console.log(id, event.type);
 */
export class NotificationLogReader<E extends DomainEvent = DomainEvent> {
  readonly #log: NotificationLog;
  readonly #decode: (stored: StoredNotification) => readonly RecordedEvent<E>[];
  #position = 0;

  /** @param decode Returns the events that are read in place of a recorded one. */
  constructor(log: NotificationLog, decode: (stored: StoredNotification) => readonly RecordedEvent<E>[]) {
    this.#log = log;
    this.#decode = decode;
  }

  /** Id of the last notification that was read; 0 at first. */
  get position(): number {
    return this.#position;
  }

  /**
   * Makes the next read start after a notification id.
   *
   * @throws {@link InvalidPositionError} if the position is not an integer >= 0.
   */
  seek(position: number): this {
    assertCount(position, 'position');
    this.#position = position;
    return this;
  }

  /**
   * Reads up to `limit` notifications, 100 by default. Resolves with an empty array at the end of the log. An event that is
   * read as several ones counts once, and each of them has its id.
   *
   * @throws {@link LogGapError} if a notification is missing.
   */
  async read(limit: number = pageSize): Promise<readonly Notification<E>[]> {
    for (;;) {
      const stored = await this.#log.select(this.#position, limit);
      assertNoGap(this.#log, this.#position, stored);
      const notifications = stored.flatMap((item) => this.#notificationsOf(item));
      this.#position = stored.at(-1)?.id ?? this.#position;
      if (notifications.length > 0 || stored.length === 0 || limit === 0) return notifications;
    }
  }

  /**
   * Reads to the end of the log. After a `break`, the next read starts after the last notification of the loop, or again
   * with that notification if its event is read as several ones, and the loop did not reach the last of them.
   *
   * @throws {@link LogGapError} if a notification is missing; all before it are read.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Notification<E>, void, undefined> {
    for (;;) {
      const page = await this.#log.select(this.#position, pageSize, memoryBounds.page);
      if (page.length === 0) return;
      await yieldIfBusy();
      for (const item of page) {
        if (item.id !== this.#position + 1) throw new LogGapError(this.#log, this.#position + 1);
        const notifications = this.#notificationsOf(item);
        const last = notifications.pop();
        yield* notifications;
        this.#position = item.id;
        if (last !== undefined) yield last;
      }
    }
  }

  #notificationsOf(stored: StoredNotification): Notification<E>[] {
    return this.#decode(stored).map((event) => ({ id: stored.id, event }));
  }
}
