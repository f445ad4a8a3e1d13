import { inspect } from 'node:util';
import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { KahnError } from '../../util/errors.ts';

/** A section id or a position in a notification log is invalid. */
export class InvalidPositionError extends KahnError {
  override readonly code = 'INVALID_POSITION';
}

/** A notification log is damaged: a notification is missing between others. */
export class LogGapError extends KahnError {
  override readonly code = 'LOG_GAP';
  declare readonly applicationName: string;
  declare readonly pipelineId: number;
  /** Id of the first notification that is missing. */
  declare readonly notificationId: number;

  constructor({ applicationName, pipelineId }: NotificationLog, notificationId: number) {
    super(
      `The log of '${applicationName}' in pipeline ${pipelineId} is damaged: notification ${notificationId} is missing. ` +
        'Check the system with verify(), and restore its storage from a backup.',
      { applicationName, pipelineId, notificationId },
    );
  }
}

/** Number of notifications in a full section. */
const sectionSize = 20;

/** A page of a notification log. A full section never changes. */
export interface Section {
  /** First and last notification id that the section can hold, such as '1,20'. */
  readonly id: string;
  readonly items: readonly StoredNotification[];
  /** Id of the previous section; undefined for the first section. */
  readonly previousId: string | undefined;
  /** Id of the next section; undefined until this section is full. */
  readonly nextId: string | undefined;
}

/** Events of one application and pipeline in the order in which they were recorded, counted from 1 without gaps. */
export interface NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  /**
   * Types of the events that the application may record, as this code declares them. A follower waits in front of an
   * event of another type that it does not handle. Without this list, it ignores such events.
   */
  readonly emits?: readonly string[] | undefined;
  /** Name under which storage keeps the log, if it is known: another one if the application was renamed. */
  readonly recordedAs?: string | undefined;
  /**
   * Reads up to `limit` notifications with ids above `after`.
   *
   * @param maxSize Size of data and metadata at which the read ends, in characters or bytes of UTF-8: the notification
   * by which the size reaches it is the last one. Default: no limit.
   * @throws {@link InvalidPositionError} if `after` or `limit` is not an integer >= 0.
   */
  select(after: number, limit: number, maxSize?: number): Promise<readonly StoredNotification[]>;
  /**
   * Reads the section with an id such as '1,20', or the newest section for 'current'.
   *
   * @throws {@link InvalidPositionError} if there can be no section with this id.
   * @throws {@link LogGapError} if a notification of the section is missing.
   */
  section(id: string): Promise<Section>;
  /** Reads the id of the last notification; 0 if there is none. */
  head(): Promise<number>;
}

/** What this process recorded last in a log. */
export interface RecentLog {
  /** Returns up to `limit` notifications after one that a follower has processed; none if that one is not kept. */
  after(done: StoredNotification, limit: number): readonly StoredNotification[];
  /** Decodes a notification, unless followers share its event. */
  decode(notification: StoredNotification, mapper: EventMapper): ReadEvent<RecordedEvent>;
}

/** A notification log that is read directly from the recorder of its application. */
export class RecordedNotificationLog implements NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly emits: readonly string[] | undefined;
  readonly recordedAs: string | undefined;
  /** What this process recorded last in the log; undefined if other threads or processes record in it. */
  readonly recent: RecentLog | undefined;
  readonly #recorder: Recorder;

  constructor(
    recorder: Recorder,
    applicationName: string,
    pipelineId: number,
    emits: readonly string[] | undefined,
    recent?: RecentLog,
    recordedAs?: string,
  ) {
    this.recordedAs = recordedAs;
    this.recent = recent;
    this.#recorder = recorder;
    this.applicationName = applicationName;
    this.pipelineId = pipelineId;
    this.emits = emits;
  }

  select(after: number, limit: number, maxSize?: number): Promise<readonly StoredNotification[]> {
    assertCount(after, 'position');
    assertCount(limit, 'limit');
    return this.#recorder.notifications(this.pipelineId, after, limit, maxSize);
  }

  async section(id: string): Promise<Section> {
    const first = id === 'current' ? firstOfCurrent(await this.head()) : this.#firstOf(id);
    const items = await this.select(first - 1, sectionSize);
    assertNoGap(this, first - 1, items);
    return {
      id: sectionId(first),
      items,
      previousId: first === 1 ? undefined : sectionId(first - sectionSize),
      nextId: items.length < sectionSize ? undefined : sectionId(first + sectionSize),
    };
  }

  head(): Promise<number> {
    return this.#recorder.head(this.pipelineId);
  }

  #firstOf(id: string): number {
    const first = typeof id === 'string' ? Number(id.split(',', 1)[0]) : Number.NaN;
    const aligned = Number.isSafeInteger(first) && first >= 1 && (first - 1) % sectionSize === 0;
    if (aligned && id === sectionId(first)) return first;
    throw new InvalidPositionError(
      `The log of '${this.applicationName}' has no section ${inspect(id)}: ` +
        `use 'current' or ids such as '${sectionId(1)}' and '${sectionId(sectionSize + 1)}'.`,
    );
  }
}

function firstOfCurrent(head: number): number {
  return head - (head % sectionSize) + 1;
}

function sectionId(first: number): string {
  return `${first},${first + sectionSize - 1}`;
}

/** Throws {@link LogGapError} unless the ids of notifications count from `after + 1`. */
export function assertNoGap(
  log: NotificationLog,
  after: number,
  notifications: readonly StoredNotification[],
): void {
  const gap = notifications.findIndex(({ id }, i) => id !== after + i + 1);
  if (gap >= 0) throw new LogGapError(log, after + gap + 1);
}

/** Throws {@link InvalidPositionError} unless `count` is an integer >= 0. */
export function assertCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new InvalidPositionError(
    `Expected the ${what} in a notification log to be an integer >= 0, got ${inspect(count)}.`,
  );
}
