import type { DomainEvent } from '../domain/event.ts';
import { KahnError, messageOf } from '../util/errors.ts';
import type { StoredEvent } from './stored-event.ts';
import { NotEncodableError, type Transcoder } from './transcoder.ts';

/** An event cannot be recorded: its data would not come back as it is. */
export class EventNotEncodableError extends KahnError {
  override readonly code = 'EVENT_NOT_ENCODABLE';
  readonly applicationName: string;
  readonly eventType: string;
  /** Where in the data, such as `items[2].price`. */
  readonly path: string;

  constructor(applicationName: string, eventType: string, cause: NotEncodableError) {
    super(`Application '${applicationName}' cannot record '${eventType}'. ${cause.message}`, { cause });
    this.applicationName = applicationName;
    this.eventType = eventType;
    this.path = cause.path;
  }
}

/** A recorded event cannot be read: the text is damaged, or one of its types is not registered. */
export class EventNotDecodableError extends KahnError {
  override readonly code = 'EVENT_NOT_DECODABLE';
  readonly applicationName: string;
  readonly eventType: string;
  readonly originatorId: string;
  readonly originatorVersion: number;

  constructor(applicationName: string, stored: StoredEvent, cause: unknown) {
    super(
      `Application '${applicationName}' cannot read '${stored.type}', version ${stored.originatorVersion} ` +
        `of aggregate '${stored.originatorId}'. ${messageOf(cause)}`,
      { cause },
    );
    this.applicationName = applicationName;
    this.eventType = stored.type;
    this.originatorId = stored.originatorId;
    this.originatorVersion = stored.originatorVersion;
  }
}

/** Turns the domain events of one application into stored events, and back. */
export class Mapper {
  readonly #applicationName: string;
  readonly #transcoder: Transcoder;

  constructor(applicationName: string, transcoder: Transcoder) {
    this.#applicationName = applicationName;
    this.#transcoder = transcoder;
  }

  /** Throws {@link EventNotEncodableError}. */
  toStored(event: DomainEvent): StoredEvent {
    const { type, originatorId, originatorVersion, timestamp } = event;
    try {
      return { originatorId, originatorVersion, type, data: this.#transcoder.encode(event.data), timestamp };
    } catch (error) {
      if (error instanceof NotEncodableError)
        throw new EventNotEncodableError(this.#applicationName, type, error);
      throw error;
    }
  }

  /** Throws {@link EventNotDecodableError}. */
  toEvent(stored: StoredEvent): DomainEvent {
    const { type, originatorId, originatorVersion, timestamp } = stored;
    try {
      const data = this.#transcoder.decode(stored.data);
      return Object.freeze({ type, data, originatorId, originatorVersion, timestamp } as DomainEvent);
    } catch (error) {
      throw new EventNotDecodableError(this.#applicationName, stored, error);
    }
  }
}
