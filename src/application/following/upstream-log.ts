import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import { lastReadBefore } from '../../storage/remote/partial-reads.ts';
import { bytesPerUnit, sizeOfEvent } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { LogMismatchError } from '../following-errors.ts';
import { fitOf, isSameNotification, mismatchText } from '../log/mark.ts';
import { type NotificationLog, type RecentLog, RecordedNotificationLog } from '../log/notification-log.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { EventStore } from '../recording/event-store.ts';

/** Reads the log of an upstream in batches, each behind the last notification that its follower has done. */
export class UpstreamLog {
  readonly #follower: Pick<EventStore, 'applicationName' | 'pipelineId'>;
  readonly #log: NotificationLog;
  /** What this process recorded last in the log, if anything is kept. */
  readonly #recent: RecentLog | undefined;
  /** Notifications of the last read. Those that had to wait are read from here. */
  #lastRead: readonly StoredNotification[] = [];
  /** Whether the next read must compare the log with the last notification that is done. */
  #mustCompare = true;
  #mayContinue = false;

  /** @param follower The application that reads the log. */
  constructor(follower: Pick<EventStore, 'applicationName' | 'pipelineId'>, log: NotificationLog) {
    this.#follower = follower;
    this.#log = log;
    this.#recent = log instanceof RecordedNotificationLog ? log.recent : undefined;
  }

  get upstreamName(): string {
    return this.#log.applicationName;
  }

  /** Types of the events that the upstream may record, if it declares them. */
  get emits(): readonly string[] | undefined {
    return this.#log.emits;
  }

  /** Whether the log may have notifications behind the last read, although it had fewer than its limit. */
  get mayContinue(): boolean {
    return this.#mayContinue;
  }

  /** Whether the last read has notifications behind an id. */
  hasRestAfter(id: number): boolean {
    const start = this.#indexAfter(id);
    return start >= 0 && start < this.#lastRead.length;
  }

  /**
   * Reads up to `limit` notifications behind one that is done, or fewer if they are large: the rest of the last read, if
   * there is any, or what this process has just recorded. Otherwise reads the storage, and `done` again, because the log may
   * have been restored from an older copy. Returns no promise if the storage is not read.
   *
   * @param done Last notification that is done; undefined at the start of the log.
   * @throws {@link LogMismatchError} if a notification is missing, or `done` has changed.
   */
  readAfter(
    done: StoredNotification | undefined,
    limit: number,
  ): readonly StoredNotification[] | Promise<readonly StoredNotification[]> {
    const id = done?.id ?? 0;
    if (this.hasRestAfter(id)) {
      const start = this.#indexAfter(id);
      return this.#lastRead.slice(start, start + limit);
    }
    const recent = this.#recentAfter(done, limit);
    this.#mayContinue = recent.length > 0 && recent.length < limit;
    if (recent.length === 0) return this.#readStorage(done, limit);
    this.#lastRead = recent;
    return recent;
  }

  /** Drops the last read if a notification was its last one. */
  noteDone({ id }: StoredNotification): void {
    if (!this.hasRestAfter(id)) this.#lastRead = [];
  }

  /** Makes the next read go to the storage, which may have been restored. */
  forget(): void {
    this.#lastRead = [];
    this.#mustCompare = true;
  }

  /** Makes the next read go to the storage, unless there is a rest of the last read. */
  compareNext(): void {
    this.#mustCompare = true;
  }

  /** Throws {@link LogMismatchError} if the log does not hold a notification that is done. */
  async compare(done: StoredNotification | undefined): Promise<void> {
    await this.#select(done, 0);
  }

  /** Decodes a notification. */
  decode(notification: StoredNotification, mapper: EventMapper): ReadEvent<RecordedEvent> {
    return this.#recent?.decode(notification, mapper) ?? mapper.toRecorded(notification);
  }

  /** Reads a notification, wherever the follower is; undefined if the log lacks it. */
  async find(notificationId: number): Promise<StoredNotification | undefined> {
    const [found] = await this.#log.select(notificationId - 1, 1);
    return found?.id === notificationId ? found : undefined;
  }

  /**
   * Returns the notification at a recorded position.
   *
   * @throws {@link LogMismatchError} if the log no longer holds it there.
   */
  async at(recorded: RecordedPosition): Promise<StoredNotification | undefined> {
    const { fits, notification } = await fitOf(recorded, this.#log);
    if (fits) return notification;
    throw await this.#replaced(recorded.position);
  }

  /** Index of the notification after an id among those of the last read. */
  #indexAfter(id: number): number {
    return id + 1 - (this.#lastRead[0]?.id ?? 0);
  }

  #recentAfter(done: StoredNotification | undefined, limit: number): readonly StoredNotification[] {
    if (this.#mustCompare || this.#recent === undefined || done === undefined) return [];
    return this.#recent.after(done, limit);
  }

  async #readStorage(
    done: StoredNotification | undefined,
    limit: number,
  ): Promise<readonly StoredNotification[]> {
    const notifications = await this.#select(done, limit).catch((failure) => this.#readBefore(failure, done));
    const from = done?.id ?? 0;
    const last = notifications.at(-1);
    if (last !== undefined && last.id !== from + notifications.length) {
      const what = `the ${notifications.length} notifications after ${from} end at ${last.id}`;
      throw this.#mismatch(from, 0, `${what}, so notifications are missing`);
    }
    this.#lastRead = notifications;
    this.#mustCompare = false;
    return notifications;
  }

  /** Reads what the log of another system has answered before a failure. The next read tells of the failure. */
  async #readBefore(
    failure: unknown,
    done: StoredNotification | undefined,
  ): Promise<readonly StoredNotification[]> {
    const count = lastReadBefore(failure) - (done?.id ?? 0);
    if (count <= 0) throw failure;
    const notifications = await this.#select(done, count);
    this.#mayContinue = true;
    return notifications;
  }

  /** Reads the storage behind `done`, and `done` itself. */
  async #select(done: StoredNotification | undefined, limit: number): Promise<readonly StoredNotification[]> {
    const { page } = memoryBounds;
    if (done === undefined) return this.#log.select(0, limit, page);
    const maxSize = page + sizeOfEvent(done) * bytesPerUnit; // so that one more is read, however large this one is
    const notifications = await this.#log.select(done.id - 1, limit + 1, maxSize);
    const [first] = notifications;
    if (first !== undefined && isSameNotification(first, done)) return notifications.slice(1);
    throw await this.#replaced(done.id);
  }

  /** Returns the error for a log that does not hold the notification that was processed last. */
  async #replaced(position: number): Promise<LogMismatchError> {
    const head = await this.#log.head();
    return this.#mismatch(position, Math.max(position - head, 0), mismatchText(position, head));
  }

  #mismatch(position: number, missing: number, what: string): LogMismatchError {
    const { applicationName, pipelineId } = this.#follower;
    const { upstreamName } = this;
    return new LogMismatchError({ applicationName, upstreamName, pipelineId, position, missing }, what);
  }
}
