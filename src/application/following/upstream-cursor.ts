import type { Tracking } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { LogMismatchError } from '../errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { EventStore } from '../recording/event-store.ts';
import { readPosition } from './handled-types.ts';
import type { TypeGate } from './type-gate.ts';

/** Position of an application in the log of one upstream. */
export class UpstreamCursor {
  readonly #store: EventStore;
  readonly #log: NotificationLog;
  readonly #types: TypeGate;
  /** The recorded position; undefined until it is read, and after a failure. */
  #recorded: number | undefined;
  /** Version of the handled types when the position was located. A later version makes the next record conflict. */
  #typesVersion = 0;
  /** Id of the last notification that is done. Notifications between the recorded position and this id were ignored. */
  #seen = 0;
  /** Notifications of the last read. Those that had to wait are read from here. */
  #lastRead: readonly StoredNotification[] = [];

  constructor(store: EventStore, log: NotificationLog, types: TypeGate) {
    this.#store = store;
    this.#log = log;
    this.#types = types;
  }

  get upstreamName(): string {
    return this.#log.applicationName;
  }

  get seen(): number {
    return this.#seen;
  }

  get isLocated(): boolean {
    return this.#recorded !== undefined;
  }

  /** Whether notifications were ignored since the position was last recorded. */
  get isAhead(): boolean {
    return this.#recorded !== undefined && this.#seen > this.#recorded;
  }

  /**
   * Reads the recorded position, unless it is known.
   *
   * @throws {@link LogMismatchError} if the log ends before that position.
   */
  async locate(): Promise<void> {
    if (this.#recorded !== undefined) return;
    const { position, typesVersion } = await readPosition(this.#store, this.upstreamName, this.#types);
    const head = await this.#log.head();
    if (head < position) {
      throw this.#mismatch(`it has processed ${position} notifications, but the log ends at ${head}.`);
    }
    this.#recorded = position;
    this.#typesVersion = typesVersion;
    this.#seen = position;
  }

  /** Reads the recorded position again, because another writer of the application may have moved it. */
  async refresh(): Promise<void> {
    const recorded = this.#recorded;
    if (recorded === undefined) return this.locate();
    const { recorder, pipelineId } = this.#store;
    const { position } = await recorder.position(pipelineId, this.upstreamName);
    this.#recorded = Math.max(recorded, position);
    this.#seen = Math.max(this.#seen, position);
  }

  /** Makes the next `locate` read the recorded position again. */
  forget(): void {
    this.#recorded = undefined;
  }

  /**
   * Reads up to `limit` notifications after the last one that is done, or fewer if they are large: the rest of the last
   * read, if there is any.
   *
   * @throws {@link LogMismatchError} if a notification is missing.
   */
  async read(limit: number): Promise<readonly StoredNotification[]> {
    const start = this.#nextInLastRead;
    if (this.hasRest) return this.#lastRead.slice(start, start + limit);
    const notifications = await this.#log.select(this.#seen, limit, memoryBounds.page);
    const last = notifications.at(-1);
    if (last !== undefined && last.id !== this.#seen + notifications.length) {
      throw this.#mismatch(
        `the ${notifications.length} notifications after ${this.#seen} end at ${last.id}.`,
      );
    }
    this.#lastRead = notifications;
    return notifications;
  }

  /** Whether the last read has not been processed completely. */
  get hasRest(): boolean {
    return this.#nextInLastRead >= 0 && this.#nextInLastRead < this.#lastRead.length;
  }

  /** Index of the next notification among those of the last read. */
  get #nextInLastRead(): number {
    return this.#seen + 1 - (this.#lastRead[0]?.id ?? 0);
  }

  /** Number of notifications from the recorded position to `position`. */
  distanceTo(position: number): number {
    return position - (this.#recorded ?? 0);
  }

  /** Tracking that moves the recorded position, if no other writer has moved it. */
  trackingTo(position: number): Tracking {
    const { upstreamName } = this;
    return { upstreamName, expected: this.#recorded ?? 0, position, typesVersion: this.#typesVersion };
  }

  /** Notes that the position is recorded. */
  setRecorded(position: number | undefined): void {
    this.#recorded = position;
  }

  /** Notes that all notifications up to `position` are done. */
  advanceTo(position: number): void {
    this.#seen = position;
    if (!this.hasRest) this.#lastRead = [];
  }

  #mismatch(what: string): LogMismatchError {
    return new LogMismatchError(this.#store.applicationName, this.upstreamName, what);
  }
}
