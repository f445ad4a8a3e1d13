import { clearTimeout, setTimeout } from 'node:timers';
import type { DomainEvent } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { unlessAborted } from '../../util/abort.ts';
import { abortSignal, durationMs } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { assertCount, assertNoGap, LogGapError } from './errors.ts';
import type { NotificationLog } from './notification-log.ts';
import { defaultSectionSize, type Section, sectionIdOf } from './sections.ts';

/** Number of notifications that are read at once. */
const pageSize = 100;

/** An event and its id in a notification log. */
export interface Notification<E extends DomainEvent = DomainEvent> {
  /** Number of the event in its log; the first is 1. */
  readonly id: number;
  readonly event: RecordedEvent<E>;
}

/** Options of {@link NotificationLogReader.follow}. */
export interface FollowLogOptions {
  /** Ends the loop; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal;
  /** Longest time after which the log is read again, in ms. This object's own records are read at once. @default 1_000 */
  readonly pollIntervalMs?: number;
}

export const followLogOptions: OptionRules<FollowLogOptions, 'pollIntervalMs'> = {
  signal: abortSignal(),
  pollIntervalMs: durationMs(1, 1_000),
};

/** What a reader reads, and how. */
export interface ReaderSource<E extends DomainEvent = DomainEvent> {
  readonly log: NotificationLog;
  /** Returns the events that are read in place of a recorded one. */
  decode(stored: StoredNotification): readonly RecordedEvent<E>[];
  /** Calls the listener when the log has grown, until the returned function is called. @default never */
  subscribe?(listener: () => void): () => void;
  /** Aborted when the log can no longer be read: `follow()` ends with the reason. @default never */
  readonly closed?: AbortSignal;
}

/** A class of readers, which takes the place of {@link NotificationLogReader}. */
export type NotificationLogReaderClass = new <E extends DomainEvent>(
  source: ReaderSource<E>,
) => NotificationLogReader<E>;

/**
 * Reads a notification log, starting after a position. However long the log is, a page of it is in memory.
 *
 * @example
 * await using orders = await Orders.open({ storage: memory() });
 * await orders.place('ada');
 * for await (const { id, event } of orders.reader()) console.log(id, event.type);
 */
export class NotificationLogReader<E extends DomainEvent = DomainEvent> {
  readonly #source: ReaderSource<E>;
  #position = 0;

  constructor(source: ReaderSource<E>) {
    this.#source = source;
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
   * Makes the next read leave out a number of notifications.
   *
   * @throws {@link InvalidPositionError} if the number is not an integer >= 0.
   */
  advanceBy(count: number): this {
    assertCount(count, 'number of notifications to leave out');
    return this.seek(this.#position + count);
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
      const notifications = this.#decoded(stored);
      this.#position = stored.at(-1)?.id ?? this.#position;
      if (notifications.length > 0 || stored.length === 0 || limit === 0) return notifications;
    }
  }

  /**
   * Reads the notification at an index, as of an array: the notification 1 has the index 0. The position stays. Undefined
   * behind the end of the log, and for an event that is read as none; of one that is read as several, the first.
   *
   * @throws {@link InvalidPositionError} if the index is not an integer >= 0.
   * @throws {@link LogGapError} if the notification is missing.
   */
  async at(index: number): Promise<Notification<E> | undefined> {
    return (await this.slice(index, index + 1))[0];
  }

  /**
   * Reads the notifications from an index to another one, which is left out, as of an array. The position stays.
   *
   * @param end By default, the end of the log.
   * @example
   * await using orders = await Orders.open({ storage: memory() });
   * await orders.place('ada');
   * const [first] = await orders.reader().slice(0, 10);
   * console.log(first?.id); // 1
   * @throws {@link InvalidPositionError} if an index is not an integer >= 0.
   * @throws {@link LogGapError} if a notification is missing.
   */
  async slice(start: number, end?: number): Promise<readonly Notification<E>[]> {
    assertCount(start, 'index');
    if (end !== undefined) assertCount(end, 'index');
    const last = end ?? (await this.#log.head());
    const stored = await this.#log.select(start, Math.max(last - start, 0));
    assertNoGap(this.#log, start, stored);
    return this.#decoded(stored);
  }

  /**
   * Reads to the end of the log. After a `break`, the next read starts after the last notification of the loop, or again
   * with that notification if its event is read as several ones, and the loop did not reach the last of them.
   *
   * @param signal Ends the loop before its next notification; the reason of the signal is thrown. Default: none.
   * @throws {@link LogGapError} if a notification is missing; all before it are read.
   */
  async *[Symbol.asyncIterator](signal?: AbortSignal): AsyncGenerator<Notification<E>, void, undefined> {
    for (;;) {
      const reading = this.#log.select(this.#position, pageSize, memoryBounds.page);
      const page = await unlessAborted(reading, signal);
      if (page.length === 0) return;
      await yieldIfBusy();
      for (const item of page) {
        signal?.throwIfAborted();
        if (item.id !== this.#position + 1) throw new LogGapError(this.#log, this.#position + 1);
        const notifications = this.#notificationsOf(item);
        const last = notifications.pop();
        yield* notifications;
        this.#position = item.id;
        if (last !== undefined) yield last;
      }
    }
  }

  /**
   * Reads to the end of the log, and then each notification that is recorded, until the signal is aborted or the
   * application is closed. If an error ends the loop, a further call continues where it ended.
   *
   * @example
   * await using orders = await Orders.open({ storage: memory() });
   * await orders.place('ada');
   * for await (const { event } of orders.reader().follow({ signal: AbortSignal.timeout(60_000) })) {
   *   console.log(event.type);
   *   break;
   * }
   * @throws {@link InvalidOptionError} if an option is unknown or has an invalid value.
   * @throws {@link ApplicationNotOpenError} as soon as the application is closed.
   * @throws {@link LogGapError} if a notification is missing; all before it are read.
   */
  async *follow(options: FollowLogOptions = {}): AsyncGenerator<Notification<E>, void, undefined> {
    const owner = `${this.constructor.name}.follow()`;
    const { signal, pollIntervalMs } = resolveOptions(options, followLogOptions, owner);
    const { closed } = this.#source;
    const over = AbortSignal.any([signal, closed].filter((one) => one !== undefined));
    let grown = Promise.withResolvers<void>();
    const unsubscribe = this.#source.subscribe?.(() => grown.resolve());
    try {
      for (;;) {
        grown = Promise.withResolvers();
        yield* this[Symbol.asyncIterator](over);
        await growth(grown.promise, pollIntervalMs, over);
      }
    } finally {
      unsubscribe?.();
    }
  }

  /**
   * Reads the section with an id such as '1,20', or the newest section for 'current'. The position stays.
   *
   * @throws {@link InvalidPositionError} if there can be no section with this id.
   * @throws {@link LogGapError} if a notification of the section is missing.
   */
  async section(id: string): Promise<Section<Notification<E>>> {
    const { items, ...links } = await this.#log.section(id);
    return { ...links, items: this.#decoded(items) };
  }

  /**
   * Reads the sections to the end of the log, starting with the section of the notification after the position. The
   * position stays.
   *
   * @throws {@link LogGapError} if a notification is missing.
   */
  async *sections(): AsyncGenerator<Section<Notification<E>>, void, undefined> {
    let id: string | undefined = sectionIdOf(this.#position + 1, this.#sectionSize);
    while (id !== undefined) {
      const section: Section<Notification<E>> = await this.section(id);
      if (section.items.length > 0) yield section;
      id = section.nextId;
    }
  }

  /** Counts the sections that hold notifications. */
  async sectionCount(): Promise<number> {
    return Math.ceil((await this.#log.head()) / this.#sectionSize);
  }

  get #log(): NotificationLog {
    return this.#source.log;
  }

  get #sectionSize(): number {
    return this.#log.sectionSize ?? defaultSectionSize;
  }

  #decoded(stored: readonly StoredNotification[]): readonly Notification<E>[] {
    return stored.flatMap((item) => this.#notificationsOf(item));
  }

  #notificationsOf(stored: StoredNotification): Notification<E>[] {
    return this.#source.decode(stored).map((event) => ({ id: stored.id, event }));
  }
}

/** Waits until a log has grown, or until the interval is over. Rejects with the reason of the signal. */
async function growth(grown: Promise<void>, intervalMs: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, intervalMs);
  try {
    await unlessAborted(Promise.race([grown, over.promise]), signal);
  } finally {
    clearTimeout(timer);
  }
}
