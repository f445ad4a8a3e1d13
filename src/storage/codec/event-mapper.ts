import { constants } from 'node:buffer';
import type { DomainEvent } from '../../domain/event.ts';
import type { EventSpecification } from '../../domain/events/define-events.ts';
import { UpcastError } from '../../domain/events/errors.ts';
import type { EventVersions, Reading } from '../../domain/events/event-versions.ts';
import { eventsIn, type ReadEvent, SplitEvent } from '../../domain/events/split-event.ts';
import { split, upcast } from '../../domain/events/upcast.ts';
import type { Metadata, RecordedEvent } from '../../domain/provenance.ts';
import { schemaChecks } from '../../domain/validation/schema-checks.ts';
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

/**
 * A recorded event cannot be read, because its text is damaged, one of its types is not in the option `types`, or a function
 * of `defineEvents()` failed to convert it.
 */
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
  /** How types in logs are read; undefined if each type is read as it is stored. */
  readonly #versions: EventVersions | undefined;
  readonly #isCurrent: (type: string) => boolean;
  /** Checks the data of events that are read against their schemas; undefined unless `validateReads` is set. */
  readonly #assertFits: ((event: DomainEvent) => void) | undefined;

  /** @param specification What is known of the types of events; undefined for an application that only lists them. */
  constructor(applicationName: string, transcoder: Transcoder, specification?: EventSpecification) {
    this.applicationName = applicationName;
    this.#transcoder = transcoder;
    this.#versions = specification?.versions;
    this.#isCurrent = (type) => specification?.current.has(type) === true;
    if (specification?.validateReads === true)
      this.#assertFits = schemaChecks(applicationName, specification, 'read');
  }

  /** @throws {@link EventNotEncodableError} if the data cannot be restored exactly. */
  toStored(event: DomainEvent, provenance: StoredProvenance): StoredEvent {
    const { originatorId, originatorVersion, timestamp } = event;
    const type = this.storedTypeOf(event.type);
    try {
      const data = this.#encode(event.data);
      return { originatorId, originatorVersion, type, data, timestamp, ...provenance };
    } catch (error) {
      if (error instanceof NotEncodableError)
        throw new EventNotEncodableError(this.applicationName, event.type, error);
      throw error;
    }
  }

  /** Digest of the functions that convert recorded events; undefined if there are none. */
  get upcasts(): string | undefined {
    return this.#versions?.digest;
  }

  /**
   * Whether events of a stored type can be read; undefined if only the declared types tell. Versions that are too old count:
   * reading them fails.
   */
  knows(storedType: string): boolean | undefined {
    return this.#versions && this.#versions.readingOf(storedType) !== undefined;
  }

  /**
   * Returns the type as which events of a stored type are read: the same one if it is unknown, and undefined if it is a
   * former type whose events become others, as their data tells.
   */
  typeOf(storedType: string): string | undefined {
    const reading = this.#versions?.readingOf(storedType);
    return reading === undefined ? storedType : reading.type;
  }

  /** Returns the type as which events of a type are recorded. */
  storedTypeOf(type: string): string {
    return this.#versions === undefined ? type : this.#versions.storedTypeOf(type);
  }

  /**
   * Decodes an event, and converts its data to the newest version. An event of a former type is read as others.
   *
   * @throws {@link EventNotDecodableError} if the text is damaged, a type of it is unknown, or it cannot be converted.
   * @throws {@link EventInvalidError} or {@link InvalidSchemaError} if the data must fit a schema and does not.
   */
  toEvent(stored: StoredEvent): ReadEvent {
    const read = this.#toEvent(stored);
    if (this.#assertFits !== undefined) eventsIn(read).forEach(this.#assertFits);
    return read;
  }

  #toEvent(stored: StoredEvent): ReadEvent {
    try {
      const data = this.#transcoder.decode(stored.data);
      const reading = this.#versions?.readingOf(stored.type);
      if (reading === undefined) return eventOf(stored, stored.type, data);
      return this.#read(stored, reading, data, eventOf);
    } catch (error) {
      throw new EventNotDecodableError(this.applicationName, stored, error);
    }
  }

  /**
   * Decodes an event as {@link toEvent} does, together with where it comes from.
   *
   * @param known Newest data of the event, if it is known; undefined to decode it.
   * @throws {@link EventNotDecodableError} as {@link toEvent} does, or if the text of the metadata is damaged.
   */
  toRecorded(stored: StoredEvent, known?: DomainEvent['data']): ReadEvent<RecordedEvent> {
    const read = this.#toRecorded(stored, known);
    if (this.#assertFits !== undefined && known === undefined) eventsIn(read).forEach(this.#assertFits);
    return read;
  }

  #toRecorded(stored: StoredEvent, known: DomainEvent['data'] | undefined): ReadEvent<RecordedEvent> {
    try {
      const data = known === undefined ? this.#transcoder.decode(stored.data) : known;
      const metadata =
        stored.metadata === undefined ? undefined : (this.#transcoder.decode(stored.metadata) as Metadata);
      const reading = this.#versions?.readingOf(stored.type);
      if (reading === undefined) return recordedOf(stored, stored.type, data, metadata);
      return this.#read(stored, reading, data, (_, type, one) => recordedOf(stored, type, one, metadata));
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

  /** Converts the data of an event, and makes the events that are read. */
  #read<E extends DomainEvent>(
    stored: StoredEvent,
    reading: Reading,
    data: unknown,
    make: (stored: StoredEvent, type: string, data: unknown) => E,
  ): ReadEvent<E> {
    const newest = upcast(reading, data);
    if (reading.type !== undefined)
      return make(stored, reading.type, reading.steps.length === 0 ? data : this.#copyOf(newest, reading));
    const parts = split(reading, newest, this.#isCurrent);
    return new SplitEvent(
      stored,
      parts.map((part) => make(stored, part.type, this.#copyOf(part.data, reading))),
    );
  }

  /** Copies what a function returned, as if it had been recorded. */
  #copyOf(data: unknown, { stored, steps }: Reading): unknown {
    try {
      return this.#transcoder.exactCopy(data);
    } catch (cause) {
      const place = { name: stored.name, version: stored.version + steps.length };
      const what = `The functions that convert '${stored.name}' returned data that cannot be recorded`;
      throw new UpcastError(place, `${what}. ${messageOf(cause)}`, { cause });
    }
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

function eventOf(
  { originatorId, originatorVersion, timestamp }: StoredEvent,
  type: string,
  data: unknown,
): DomainEvent {
  return Object.freeze({ type, data, originatorId, originatorVersion, timestamp } as DomainEvent);
}

function recordedOf(
  { originatorId, originatorVersion, timestamp, cause, correlationId }: StoredEvent,
  type: string,
  data: unknown,
  metadata: Metadata | undefined,
): RecordedEvent {
  const event: Writable<RecordedEvent> = {
    type,
    data: data as DomainEvent['data'],
    originatorId,
    originatorVersion,
    timestamp,
  };
  if (cause !== undefined) event.cause = Object.freeze(cause);
  if (correlationId !== undefined) event.correlationId = correlationId;
  if (metadata !== undefined) event.metadata = metadata;
  return Object.freeze(event);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
