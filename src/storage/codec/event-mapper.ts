import { constants } from 'node:buffer';
import type { DomainEvent } from '../../domain/event.ts';
import type { Metadata, Provenance, RecordedEvent } from '../../domain/provenance.ts';
import { KahnError, messageOf } from '../../util/errors.ts';
import { timeText } from '../../util/time.ts';
import { LimitExceededError, limits } from '../limits.ts';
import type { StoredEvent, StoredProvenance } from '../stored-event.ts';
import { NotEncodableError } from './errors.ts';
import type { Transcoder } from './transcoder.ts';

/** An event was not recorded, because its data cannot be restored exactly. */
export class EventNotEncodableError extends KahnError {
  override readonly code = 'EVENT_NOT_ENCODABLE';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  /** Path to the part of the data, such as `items[2].price`. */
  declare readonly path: string;

  constructor(applicationName: string, eventType: string, cause: NotEncodableError) {
    super(`Application '${applicationName}' cannot record '${eventType}'. ${cause.message}`, {
      cause,
      applicationName,
      eventType,
      path: cause.path,
    });
  }
}

/** A recorded event cannot be read, because its text is damaged or one of its types is not in the option `types`. */
export class EventNotDecodableError extends KahnError {
  override readonly code = 'EVENT_NOT_DECODABLE';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  declare readonly originatorId: string;
  declare readonly originatorVersion: number;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number;

  constructor(applicationName: string, stored: StoredEvent, cause: unknown) {
    const { type: eventType, originatorId, originatorVersion, timestamp } = stored;
    super(
      `Application '${applicationName}' cannot read '${eventType}', version ${originatorVersion} ` +
        `of aggregate '${originatorId}', recorded at ${timeText(timestamp)}. ${messageOf(cause)}`,
      { cause, applicationName, eventType, originatorId, originatorVersion, timestamp },
    );
  }
}

/** Converts the domain events of one application to stored events, and back. */
export class EventMapper {
  readonly applicationName: string;
  readonly #transcoder: Transcoder;

  constructor(applicationName: string, transcoder: Transcoder) {
    this.applicationName = applicationName;
    this.#transcoder = transcoder;
  }

  /** @throws {@link EventNotEncodableError} if the data cannot be restored exactly. */
  toStored(event: DomainEvent, provenance: StoredProvenance): StoredEvent {
    const { type, originatorId, originatorVersion, timestamp } = event;
    try {
      const data = this.#encode(event.data);
      return { originatorId, originatorVersion, type, data, timestamp, ...provenance };
    } catch (error) {
      if (error instanceof NotEncodableError)
        throw new EventNotEncodableError(this.applicationName, type, error);
      throw error;
    }
  }

  /** @throws {@link EventNotDecodableError} if the text is damaged, or a type of it is unknown. */
  toEvent(stored: StoredEvent): DomainEvent {
    const { type, originatorId, originatorVersion, timestamp } = stored;
    try {
      const data = this.#transcoder.decode(stored.data);
      return Object.freeze({ type, data, originatorId, originatorVersion, timestamp } as DomainEvent);
    } catch (error) {
      throw new EventNotDecodableError(this.applicationName, stored, error);
    }
  }

  /**
   * Decodes an event together with where it comes from.
   *
   * @param known Data of the event, if it is known; undefined to decode it.
   * @throws {@link EventNotDecodableError} if a text is damaged, or a type of it is unknown.
   */
  toRecorded(stored: StoredEvent, known?: DomainEvent['data']): RecordedEvent {
    const { type, originatorId, originatorVersion, timestamp, cause, correlationId, metadata } = stored;
    try {
      const data = known === undefined ? this.#transcoder.decode(stored.data) : known;
      const event: DomainEvent & Writable<Provenance> = {
        type,
        data,
        originatorId,
        originatorVersion,
        timestamp,
      };
      if (cause !== undefined) event.cause = Object.freeze(cause);
      if (correlationId !== undefined) event.correlationId = correlationId;
      if (metadata !== undefined) event.metadata = this.#transcoder.decode(metadata) as Metadata;
      return Object.freeze(event);
    } catch (error) {
      throw new EventNotDecodableError(this.applicationName, stored, error);
    }
  }

  /** Throws {@link NotEncodableError} if the metadata cannot be restored exactly. */
  toStoredMetadata(metadata: Metadata): string {
    return this.#encode(metadata);
  }

  /** Decodes metadata. Throws {@link NotDecodableError} if the text is damaged, or a type of it is unknown. */
  toMetadata(stored: string): Metadata {
    return this.#transcoder.decode(stored) as Metadata;
  }

  /** Throws {@link NotEncodableError} if the state cannot be restored exactly. */
  toStoredState(state: unknown): string {
    return this.#encode(state);
  }

  /**
   * Decodes a state, which is not frozen.
   *
   * @throws {@link NotDecodableError} if the text is damaged, or a type of it is unknown.
   */
  toState(stored: string): unknown {
    return this.#transcoder.decode(stored, { frozen: false });
  }

  #encode(value: unknown): string {
    try {
      return this.#transcoder.encode(value);
    } catch (error) {
      if (!(error instanceof RangeError) || error.message !== 'Invalid string length') throw error;
      const size = constants.MAX_STRING_LENGTH; // at least
      throw new LimitExceededError(this.applicationName, 'save', size, limits.saveBytes);
    }
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
