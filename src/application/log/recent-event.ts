import type { DomainEvent } from '../../domain/event.ts';
import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import { tagKey } from '../../storage/codec/tags.ts';
import { notificationOf } from '../../storage/notification.ts';
import type { StoredEvent, StoredNotification } from '../../storage/stored-event.ts';

/** An event that this process has recorded: as a follower reads it, and decoded. */
export class RecentEvent {
  readonly notification: StoredNotification;
  /** The event before it was encoded. */
  readonly #made: DomainEvent | undefined;
  /** The decoded event, if all followers may share it. */
  #decoded: ReadEvent<RecordedEvent> | undefined;

  constructor(id: number, stored: StoredEvent, made: DomainEvent | undefined) {
    this.notification = notificationOf(stored, id);
    this.#made = made;
  }

  /**
   * Returns the event as a follower decodes it. Followers share it if it is frozen as a whole, and is the same whichever
   * custom types they know.
   */
  decodedBy(mapper: EventMapper): ReadEvent<RecordedEvent> {
    if (this.#decoded !== undefined) return this.#decoded;
    const { data, metadata } = this.notification;
    const made = this.#made?.data;
    const isMadeFlat = isFlat(made);
    const decoded = mapper.toRecorded(this.notification, isMadeFlat ? made : undefined);
    if ((isMadeFlat || isPlainText(data)) && isPlainText(metadata)) this.#decoded = decoded;
    return decoded;
  }
}

/**
 * Returns whether data is a frozen object without objects in it. Such data is equal to its copy from storage, which
 * restores primitive values exactly. Of two objects in data, the copy could not tell whether they were the same one.
 */
function isFlat(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  if (Object.getPrototypeOf(data) !== Object.prototype || !Object.isFrozen(data)) return false;
  for (const key in data) {
    const field = (data as Readonly<Record<string, unknown>>)[key];
    if (typeof field === 'object' && field !== null) return false;
  }
  return true;
}

/** Returns whether a text holds JSON values only, which every decoder turns into the same frozen value. */
function isPlainText(text: string | undefined): boolean {
  return text === undefined || !text.includes(tagKey);
}
