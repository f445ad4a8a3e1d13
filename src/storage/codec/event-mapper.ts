import type { DomainEvent } from '../../domain/event.ts';
import { KahnError, messageOf } from '../../util/errors.ts';
import type { StoredEvent } from '../stored-event.ts';
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

/** The state of an aggregate cannot be put in a snapshot: it would not come back as it is. */
export class SnapshotNotEncodableError extends KahnError {
  override readonly code = 'SNAPSHOT_NOT_ENCODABLE';
  readonly applicationName: string;
  readonly originatorId: string;
  /** Where in the state, such as `lines[2].price`. */
  readonly path: string;

  constructor(applicationName: string, originatorId: string, cause: NotEncodableError) {
    super(
      `Application '${applicationName}' cannot take a snapshot of aggregate '${originatorId}'. ${cause.message} ` +
        'Or override snapshot() and restore().',
      { cause },
    );
    this.applicationName = applicationName;
    this.originatorId = originatorId;
    this.path = cause.path;
  }
}

/** Turns the domain events of one application into stored events, and back. */
export class EventMapper {
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

  /** Throws {@link SnapshotNotEncodableError}. */
  toStoredState(originatorId: string, state: unknown): string {
    try {
      return this.#transcoder.encode(state);
    } catch (error) {
      if (error instanceof NotEncodableError) {
        throw new SnapshotNotEncodableError(this.#applicationName, originatorId, error);
      }
      throw error;
    }
  }

  /** A state that the aggregate may change. Throws NotDecodableError. */
  toState(stored: string): unknown {
    return this.#transcoder.decode(stored, { frozen: false });
  }
}
