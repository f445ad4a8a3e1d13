import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { assertCount, assertNoGap } from './errors.ts';
import { defaultSectionSize, firstOfSection, type Section, sectionWith } from './sections.ts';

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
  /** Number of notifications in a full section. @default 20 */
  readonly sectionSize?: number;
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

/** What is known of a log that is read from a recorder. */
export interface RecordedLogOptions
  extends Pick<NotificationLog, 'applicationName' | 'pipelineId' | 'emits' | 'recordedAs'> {
  readonly sectionSize?: number | undefined;
  /** What this process recorded last in the log; undefined if other threads or processes record in it. */
  readonly recent?: RecentLog | undefined;
}

/** A notification log that is read directly from the recorder of its application. */
export class RecordedNotificationLog implements NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly emits: readonly string[] | undefined;
  readonly recordedAs: string | undefined;
  /** What this process recorded last in the log; undefined if other threads or processes record in it. */
  readonly recent: RecentLog | undefined;
  readonly sectionSize: number;
  readonly #recorder: Recorder;

  constructor(recorder: Recorder, options: RecordedLogOptions) {
    const { applicationName, pipelineId, emits, recent, recordedAs, sectionSize } = options;
    this.recordedAs = recordedAs;
    this.recent = recent;
    this.#recorder = recorder;
    this.applicationName = applicationName;
    this.pipelineId = pipelineId;
    this.emits = emits;
    this.sectionSize = sectionSize ?? defaultSectionSize;
  }

  select(after: number, limit: number, maxSize?: number): Promise<readonly StoredNotification[]> {
    assertCount(after, 'position');
    assertCount(limit, 'limit');
    return this.#recorder.notifications(this.pipelineId, after, limit, maxSize);
  }

  async section(id: string): Promise<Section> {
    const { applicationName, sectionSize: size } = this;
    const first =
      id === 'current' ? firstOfCurrent(await this.head(), size) : firstOfSection(applicationName, id, size);
    const items = await this.select(first - 1, size);
    assertNoGap(this, first - 1, items);
    return sectionWith(first, size, items);
  }

  head(): Promise<number> {
    return this.#recorder.head(this.pipelineId);
  }
}

function firstOfCurrent(head: number, size: number): number {
  return head - (head % size) + 1;
}
