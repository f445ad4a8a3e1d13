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
  readonly #decode: (stored: StoredNotification) => RecordedEvent<E>;
  #position = 0;

  constructor(log: NotificationLog, decode: (stored: StoredNotification) => RecordedEvent<E>) {
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
   * Reads up to `limit` notifications, 100 by default. Resolves with an empty array at the end of the log.
   *
   * @throws {@link LogGapError} if a notification is missing.
   */
  async read(limit: number = pageSize): Promise<readonly Notification<E>[]> {
    const stored = await this.#log.select(this.#position, limit);
    assertNoGap(this.#log, this.#position, stored);
    const notifications = stored.map((item) => ({ id: item.id, event: this.#decode(item) }));
    this.#position = stored.at(-1)?.id ?? this.#position;
    return notifications;
  }

  /**
   * Reads to the end of the log. After a `break`, the next read starts after the last notification of the loop.
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
        const event = this.#decode(item);
        this.#position = item.id;
        yield { id: item.id, event };
      }
    }
  }
}
