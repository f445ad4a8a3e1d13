import type { RecordedPosition, Tracking } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { ceilingOf, MarkedTracking, markBelow } from '../log/mark.ts';
import type { EventStore } from '../recording/event-store.ts';
import { readPosition } from './handled-types.ts';
import type { TypeGate } from './type-gate.ts';
import type { UpstreamLog } from './upstream-log.ts';

export interface UpstreamCursorOptions {
  /** Store in which the position is recorded. */
  readonly store: EventStore;
  readonly log: UpstreamLog;
  readonly types: TypeGate;
  /** Name under which the position is recorded. @default the name of the upstream */
  readonly positionName?: string | undefined;
  /** Records where the application begins, unless it has begun; undefined at the start of the log. */
  readonly begin?: (() => Promise<void>) | undefined;
  /** Called when another writer may have moved the position. */
  moved(): void;
}

/** Position of an application in the log of one upstream. */
export class UpstreamCursor {
  readonly #options: UpstreamCursorOptions;
  readonly #log: UpstreamLog;
  readonly #positionName: string;
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

  constructor(options: UpstreamCursorOptions) {
    const { log, positionName = log.upstreamName } = options;
    this.#options = options;
    this.#log = log;
    this.#positionName = positionName;
  }

  get upstreamName(): string {
    return this.#log.upstreamName;
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

  /** Whether the last read has not been processed completely. */
  get hasRest(): boolean {
    return this.#log.hasRestAfter(this.seen);
  }

  /**
   * Reads the recorded position, unless it is known.
   *
   * @throws {@link LogMismatchError} if the log does not hold the notification that was processed last.
   */
  async locate(): Promise<void> {
    if (this.#recorded !== undefined) return;
    const { store, types, begin, moved } = this.#options;
    if (begin !== undefined) await begin();
    const recorded = await readPosition(store, this.#positionName, types);
    moved();
    this.#last = await this.#log.at(recorded);
    this.#recorded = recorded.position;
    this.#typesVersion = recorded.typesVersion;
    this.#ceiling = ceilingOf(recorded);
  }

  /** Reads the recorded position again, because another writer of the application may have moved it. */
  async refresh(): Promise<void> {
    const recorded = this.#recorded;
    if (recorded === undefined) return this.locate();
    const found = await this.#readRecorded();
    if (found.position <= recorded) return;
    this.#options.moved();
    if (found.position > this.seen) this.#last = await this.#log.at(found);
    this.#recorded = found.position;
    this.#ceiling = ceilingOf(found);
  }

  /** Makes the next `locate` read the recorded position, and the next `read` the log, which may have been restored. */
  forget(): void {
    this.#recorded = undefined;
    this.#log.forget();
  }

  /**
   * Reads the recorded position. If notifications were ignored since, and the position behind them could be recorded now,
   * returns that position.
   */
  async donePosition(): Promise<RecordedPosition> {
    let found = await this.#readRecorded();
    if (this.#recorded !== undefined && this.#recorded > found.position) found = await this.#readRecorded(); // it was moved meanwhile
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
    if (this.isLocated) await this.#log.compare(this.#last);
  }

  /** Reads up to `limit` notifications behind the last one that is done; see {@link UpstreamLog.readAfter}. */
  read(limit: number): readonly StoredNotification[] | Promise<readonly StoredNotification[]> {
    return this.#log.readAfter(this.#last, limit);
  }

  /** Notes that a notification and all before it are done. */
  advanceTo(notification: StoredNotification): void {
    this.#last = notification;
    this.#log.noteDone(notification);
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

  #readRecorded(): Promise<RecordedPosition> {
    const { recorder, pipelineId } = this.#options.store;
    return recorder.position(pipelineId, this.#positionName);
  }
}
