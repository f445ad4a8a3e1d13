import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { RecordedPosition, Tracking } from '../../storage/recorder.ts';
import { lastReadBefore } from '../../storage/remote/partial-reads.ts';
import { bytesPerUnit, sizeOfEvent } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { LogMismatchError } from '../following-errors.ts';
import {
  ceilingOf,
  fitOf,
  isSameNotification,
  MarkedTracking,
  markBelow,
  mismatchText,
} from '../log/mark.ts';
import { type NotificationLog, type RecentLog, RecordedNotificationLog } from '../log/notification-log.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { EventStore } from '../recording/event-store.ts';
import { type BeginningDeclaration, recordBeginning } from '../replaying/beginning.ts';
import { readPosition } from './handled-types.ts';
import type { TypeGate } from './type-gate.ts';

/** Position of an application in the log of one upstream. */
export class UpstreamCursor {
  readonly #store: EventStore;
  readonly #log: NotificationLog;
  /** What this process recorded last in the log, if anything is kept. */
  readonly #recent: RecentLog | undefined;
  readonly #types: TypeGate;
  /** Name under which the position is recorded: that of the upstream, or of a replay. */
  readonly #positionName: string;
  readonly #declaration: BeginningDeclaration | undefined;
  /** The recorded position; undefined until it is read, and after a failure. */
  #recorded: number | undefined;
  /** Last notification that was processed before the position was moved back; 0 once it is passed again. */
  #ceiling = 0;
  /** Version of the handled types when the position was located. A later version makes the next record conflict. */
  #typesVersion = 0;
  /**
   * Last notification that is done; undefined at the start of the log. Notifications between the recorded position and
   * this one were ignored.
   */
  #last: StoredNotification | undefined;
  /** Notifications of the last read. Those that had to wait are read from here. */
  #lastRead: readonly StoredNotification[] = [];
  /** Whether the next read must compare the log with the last notification that is done. */
  #mustCompare = true;
  #mayContinue = false;
  readonly #moved: () => void;

  /**
   * @param moved Called when another writer may have moved the position.
   * @param declaration The class of the application, if that says where it begins.
   * @param positionName Name under which the position is recorded. Default: the name of the upstream.
   */
  constructor(
    store: EventStore,
    log: NotificationLog,
    types: TypeGate,
    moved: () => void,
    declaration?: BeginningDeclaration,
    positionName: string = log.applicationName,
  ) {
    this.#moved = moved;
    this.#positionName = positionName;
    this.#declaration = declaration;
    this.#store = store;
    this.#log = log;
    this.#recent = log instanceof RecordedNotificationLog ? log.recent : undefined;
    this.#types = types;
  }

  get upstreamName(): string {
    return this.#log.applicationName;
  }

  /** Types of the events that the upstream may record, if it declares them. */
  get emits(): readonly string[] | undefined {
    return this.#log.emits;
  }

  /** Id of the last notification that is done. */
  get seen(): number {
    return this.#last?.id ?? 0;
  }

  /** Id of the last notification that was processed before, if the position was moved back; 0 if nothing is repeated. */
  get repeatedUpTo(): number {
    return this.#ceiling > this.seen ? this.#ceiling : 0;
  }

  get isLocated(): boolean {
    return this.#recorded !== undefined;
  }

  /** Whether notifications were ignored since the position was last recorded. */
  get isAhead(): boolean {
    return this.#recorded !== undefined && this.seen > this.#recorded;
  }

  /**
   * Reads the recorded position, unless it is known.
   *
   * @throws {@link LogMismatchError} if the log does not hold the notification that was processed last.
   */
  async locate(): Promise<void> {
    if (this.#recorded !== undefined) return;
    if (this.#declaration !== undefined) await recordBeginning(this.#declaration, this.#store, this.#log);
    const recorded = await readPosition(this.#store, this.#positionName, this.#types);
    this.#moved();
    this.#last = await this.#notificationAt(recorded);
    this.#recorded = recorded.position;
    this.#typesVersion = recorded.typesVersion;
    this.#ceiling = ceilingOf(recorded);
  }

  /** Reads the recorded position again, because another writer of the application may have moved it. */
  async refresh(): Promise<void> {
    const recorded = this.#recorded;
    if (recorded === undefined) return this.locate();
    const { recorder, pipelineId } = this.#store;
    const found = await recorder.position(pipelineId, this.#positionName);
    if (found.position <= recorded) return;
    this.#moved();
    if (found.position > this.seen) this.#last = await this.#notificationAt(found);
    this.#recorded = found.position;
    this.#ceiling = ceilingOf(found);
  }

  /**
   * Reads the recorded position. If notifications were ignored since, and the position behind them could be recorded now,
   * returns that position.
   */
  async donePosition(): Promise<RecordedPosition> {
    const { recorder, pipelineId } = this.#store;
    let found = await recorder.position(pipelineId, this.#positionName);
    if (this.#recorded !== undefined && this.#recorded > found.position)
      found = await recorder.position(pipelineId, this.#positionName); // it was moved meanwhile
    const last = this.#last;
    const isCurrent = found.position === this.#recorded && found.typesVersion === this.#typesVersion;
    if (last === undefined || !isCurrent || !this.isAhead) return found;
    return { ...found, position: last.id, mark: markBelow(this.#ceiling, last) };
  }

  /**
   * Compares the last notification that is done with the log, if the position is known.
   *
   * @throws {@link LogMismatchError} if the log does not hold it.
   */
  async compare(): Promise<void> {
    if (this.isLocated) await this.#readAfter(this.#last, 0);
  }

  /** Makes the next `locate` read the recorded position, and the next `read` the log, which may have been restored. */
  forget(): void {
    this.#recorded = undefined;
    this.#lastRead = [];
    this.#mustCompare = true;
  }

  /** Makes the next read go to the storage of the log, unless there is a rest of the last read. */
  compareNext(): void {
    this.#mustCompare = true;
  }

  /** Whether the log may have notifications behind the last read, although it had fewer than its limit. */
  get mayContinue(): boolean {
    return this.#mayContinue;
  }

  /**
   * Reads up to `limit` notifications after the last one that is done, or fewer if they are large: the rest of the last
   * read, if there is any, or what this process has just recorded behind the last one. Otherwise reads the storage, and
   * the last one again, because the log may have been restored from an older copy. Returns no promise if the storage is
   * not read.
   *
   * @throws {@link LogMismatchError} if a notification is missing, or the last one that is done has changed.
   */
  read(limit: number): readonly StoredNotification[] | Promise<readonly StoredNotification[]> {
    const start = this.#nextInLastRead;
    if (this.hasRest) return this.#lastRead.slice(start, start + limit);
    const recent = this.#recentAfter(limit);
    this.#mayContinue = recent.length > 0 && recent.length < limit;
    if (recent.length === 0) return this.#readStorage(limit);
    this.#lastRead = recent;
    return recent;
  }

  async #readStorage(limit: number): Promise<readonly StoredNotification[]> {
    const { seen } = this;
    const notifications = await this.#readAfter(this.#last, limit).catch((failure) =>
      this.#readBefore(failure),
    );
    const last = notifications.at(-1);
    if (last !== undefined && last.id !== seen + notifications.length) {
      const what = `the ${notifications.length} notifications after ${seen} end at ${last.id}`;
      throw this.#mismatch(seen, 0, `${what}, so notifications are missing`);
    }
    this.#lastRead = notifications;
    this.#mustCompare = false;
    return notifications;
  }

  /** Reads what the log of another system has answered before a failure. The next read tells of the failure. */
  async #readBefore(failure: unknown): Promise<readonly StoredNotification[]> {
    const count = lastReadBefore(failure) - this.seen;
    if (count <= 0) throw failure;
    const notifications = await this.#readAfter(this.#last, count);
    this.#mayContinue = true;
    return notifications;
  }

  #recentAfter(limit: number): readonly StoredNotification[] {
    if (this.#mustCompare || this.#recent === undefined || this.#last === undefined) return [];
    return this.#recent.after(this.#last, limit);
  }

  /** Decodes a notification of the log. */
  decode(notification: StoredNotification, mapper: EventMapper): ReadEvent<RecordedEvent> {
    return this.#recent?.decode(notification, mapper) ?? mapper.toRecorded(notification);
  }

  /** Reads a notification of the log, wherever the position is; undefined if the log lacks it. */
  async find(notificationId: number): Promise<StoredNotification | undefined> {
    const [found] = await this.#log.select(notificationId - 1, 1);
    return found?.id === notificationId ? found : undefined;
  }

  async #readAfter(
    done: StoredNotification | undefined,
    limit: number,
  ): Promise<readonly StoredNotification[]> {
    const { page } = memoryBounds;
    if (done === undefined) return this.#log.select(0, limit, page);
    const maxSize = page + sizeOfEvent(done) * bytesPerUnit; // so that one more is read, however large this one is
    const notifications = await this.#log.select(done.id - 1, limit + 1, maxSize);
    const [first] = notifications;
    if (first !== undefined && isSameNotification(first, done)) return notifications.slice(1);
    throw await this.#replaced(done.id);
  }

  /** Returns the notification at a recorded position, if the log still holds it there. */
  async #notificationAt(recorded: RecordedPosition): Promise<StoredNotification | undefined> {
    const { fits, notification } = await fitOf(recorded, this.#log);
    if (fits) return notification;
    throw await this.#replaced(recorded.position);
  }

  /** Whether the last read has not been processed completely. */
  get hasRest(): boolean {
    return this.#nextInLastRead >= 0 && this.#nextInLastRead < this.#lastRead.length;
  }

  /** Index of the next notification among those of the last read. */
  get #nextInLastRead(): number {
    return this.seen + 1 - (this.#lastRead[0]?.id ?? 0);
  }

  /** Number of notifications from the recorded position to `position`. */
  distanceTo(position: number): number {
    return position - (this.#recorded ?? 0);
  }

  /**
   * Tracking that moves the recorded position behind a notification, if no other writer has moved it.
   *
   * @param notification The last one that is done, by default.
   */
  trackingTo(notification: StoredNotification | undefined = this.#last): Tracking {
    return new MarkedTracking(
      this.#positionName,
      this.#recorded ?? 0,
      notification,
      this.#typesVersion,
      this.#ceiling,
    );
  }

  /** Notes that the position is recorded. */
  setRecorded(position: number | undefined): void {
    this.#recorded = position;
  }

  /** Notes that a notification and all before it are done. */
  advanceTo(notification: StoredNotification): void {
    this.#last = notification;
    if (!this.hasRest) this.#lastRead = [];
  }

  /** Returns the error for a log that does not hold the notification that was processed last. */
  async #replaced(position: number): Promise<LogMismatchError> {
    const head = await this.#log.head();
    return this.#mismatch(position, Math.max(position - head, 0), mismatchText(position, head));
  }

  #mismatch(position: number, missing: number, what: string): LogMismatchError {
    const { applicationName, pipelineId } = this.#store;
    const { upstreamName } = this;
    return new LogMismatchError({ applicationName, upstreamName, pipelineId, position, missing }, what);
  }
}
