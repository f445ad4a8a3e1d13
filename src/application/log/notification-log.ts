import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { KahnError } from '../../util/errors.ts';

/**
 * A section id is not 'current' or 'first,last' in steps of the section size, or a position is not a whole
 * number.
 */
export class InvalidPositionError extends KahnError {
  override readonly code = 'INVALID_POSITION';
}

/** A page of a notification log. A full section never changes again. */
export interface Section {
  /** The first and the last id it can hold, such as '1,20'. */
  readonly id: string;
  readonly items: readonly StoredNotification[];
  readonly previousId: string | undefined;
  /** The id of the section after it, once this one is full. */
  readonly nextId: string | undefined;
}

/**
 * The events of one application and pipeline in the order they were recorded, counted from 1 without gaps.
 */
export interface NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Up to `limit` notifications with ids above `after`. */
  select(after: number, limit: number): Promise<readonly StoredNotification[]>;
  /** The section 'current', or the one with this id. */
  section(id: string): Promise<Section>;
  /** The id of the last notification; 0 if there is none. */
  head(): Promise<number>;
}

/** The notification log of an application, read straight from its recorder. */
export class RecordedNotificationLog implements NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly sectionSize: number;
  readonly #recorder: Recorder;

  constructor(recorder: Recorder, applicationName: string, pipelineId: number, sectionSize = 20) {
    this.#recorder = recorder;
    this.applicationName = applicationName;
    this.pipelineId = pipelineId;
    this.sectionSize = sectionSize;
  }

  select(after: number, limit: number): Promise<readonly StoredNotification[]> {
    assertCount(after, 'A position');
    assertCount(limit, 'A limit');
    return this.#recorder.notifications(this.pipelineId, after, limit);
  }

  async section(id: string): Promise<Section> {
    const first = id === 'current' ? this.#firstOfCurrent(await this.head()) : this.#firstOf(id);
    const items = await this.select(first - 1, this.sectionSize);
    return {
      id: this.#sectionId(first),
      items,
      previousId: first === 1 ? undefined : this.#sectionId(first - this.sectionSize),
      nextId: items.length < this.sectionSize ? undefined : this.#sectionId(first + this.sectionSize),
    };
  }

  head(): Promise<number> {
    return this.#recorder.head(this.pipelineId);
  }

  #firstOfCurrent(head: number): number {
    return head - (head % this.sectionSize) + 1;
  }

  #firstOf(id: string): number {
    const first = Number(id.split(',', 1)[0]);
    const aligned = Number.isSafeInteger(first) && first >= 1 && (first - 1) % this.sectionSize === 0;
    if (aligned && id === this.#sectionId(first)) return first;
    throw new InvalidPositionError(
      `'${id}' is no section of the log of '${this.applicationName}': ` +
        `use 'current' or ids such as '${this.#sectionId(1)}' and '${this.#sectionId(this.sectionSize + 1)}'.`,
    );
  }

  #sectionId(first: number): string {
    return `${first},${first + this.sectionSize - 1}`;
  }
}

/** Throws {@link InvalidPositionError} unless `count` is a whole number from 0. */
export function assertCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new InvalidPositionError(
    `${what} in a notification log is a whole number from 0, but this one is ${count}.`,
  );
}
