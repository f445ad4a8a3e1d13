import type { DomainEvent } from '../../domain/event.ts';
import type { Cause, RecordedEvent } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import { tagKey } from '../../storage/codec/tags.ts';
import type { LogPlace, StoredEvent, StoredNotification } from '../../storage/stored-event.ts';

/** A notification that this process has recorded, and its event, which followers share where that is safe. */
export class RecentNotification implements StoredNotification {
  readonly id: number;
  readonly originatorId: string;
  readonly originatorVersion: number;
  readonly type: string;
  readonly data: string;
  readonly timestamp: number;
  declare readonly dependencies?: readonly LogPlace[];
  declare readonly cause?: Cause;
  declare readonly correlationId?: string;
  declare readonly metadata?: string;
  /** The event before it was encoded, if its data is the same after decoding. */
  readonly #made: DomainEvent | undefined;
  /** The decoded event, if all followers may share it. */
  #event: RecordedEvent | undefined;

  constructor(id: number, stored: StoredEvent, made: DomainEvent | undefined) {
    this.id = id;
    this.originatorId = stored.originatorId;
    this.originatorVersion = stored.originatorVersion;
    this.type = stored.type;
    this.data = stored.data;
    this.timestamp = stored.timestamp;
    if (stored.dependencies !== undefined) this.dependencies = stored.dependencies;
    if (stored.cause !== undefined) this.cause = stored.cause;
    if (stored.correlationId !== undefined) this.correlationId = stored.correlationId;
    if (stored.metadata !== undefined) this.metadata = stored.metadata;
    this.#made = made;
  }

  /**
   * Returns the event as a follower decodes it. Followers share it if it is frozen as a whole and independent of their
   * custom types.
   */
  decodedBy(mapper: EventMapper): RecordedEvent {
    if (this.#event !== undefined) return this.#event;
    const made = this.#made?.data;
    const isMadeFlat = isFlat(made);
    const event = mapper.toRecorded(this, isMadeFlat ? made : undefined);
    if ((isMadeFlat || isPlainText(this.data)) && isPlainText(this.metadata)) this.#event = event;
    return event;
  }
}

/**
 * Returns whether data is a frozen object without objects in it. It is equal to its copy from storage: primitive values
 * are restored exactly. Of two objects in it, the copy could not tell whether they were the same.
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

/** Returns whether a text holds JSON values only, which any decoder turns into the same frozen value. */
function isPlainText(text: string | undefined): boolean {
  return text === undefined || !text.includes(tagKey);
}
