import { eventsIn } from '../../domain/events/split-event.ts';
import type { Cause, Metadata } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { Transcoder } from '../../storage/codec/transcoder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';

/** Address of an event in the logs of a system. */
export interface EventPlace {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
}

/** A recorded event without its data, which may be personal. */
export interface TracedEvent extends EventPlace {
  /** Type as recorded, such as `Order.Placed@2` for version 2. */
  readonly type: string;
  /**
   * Types of the events that this code reads in place of the recorded one, if `type` is not the only one. Missing if the
   * code or the data is unknown.
   */
  readonly readAs?: readonly string[];
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** The notification that caused the event; missing if a command did, or if the cause is not recorded. */
  readonly cause?: Cause;
  /** Id shared by the events of a command and everything that follows from them, if recorded. */
  readonly correlationId?: string;
  /** Metadata, if any; its encoded text if it holds custom types that are unknown here. */
  readonly metadata?: Metadata | string;
}

/** An event and what followed from it. */
export interface TracedEffect extends TracedEvent {
  /** Direct effects, in the order of the names of their applications and of their ids. */
  readonly effects: readonly TracedEffect[];
  /** Names of the followers whose recorded position lies before the event. */
  readonly unprocessedBy: readonly string[];
}

/** Returns an event of a log without its data. */
export function tracedEvent(
  { applicationName, pipelineId }: Omit<EventPlace, 'notificationId'>,
  stored: StoredNotification,
  transcoder: Transcoder,
  mapper: EventMapper | undefined,
): TracedEvent {
  const readAs = mapper && typesRead(stored, mapper);
  const { id, type, originatorId, originatorVersion, timestamp, cause, correlationId, metadata } = stored;
  return {
    applicationName,
    pipelineId,
    notificationId: id,
    type,
    ...(readAs !== undefined && { readAs }),
    originatorId,
    originatorVersion,
    timestamp,
    ...(cause !== undefined && { cause }),
    ...(correlationId !== undefined && { correlationId }),
    ...(metadata !== undefined && { metadata: decoded(metadata, transcoder) }),
  };
}

/** Returns a text that is the same for equal places only. */
export function placeKey({ applicationName, pipelineId, notificationId }: EventPlace): string {
  return `${pipelineId} ${notificationId} ${applicationName}`;
}

/** Returns the types as which an event is read; undefined if it is read as it is stored. */
function typesRead(stored: StoredNotification, mapper: EventMapper): readonly string[] | undefined {
  const type = mapper.typeOf(stored.type);
  if (type !== undefined) return type === stored.type ? undefined : [type];
  try {
    return eventsIn(mapper.toEvent(stored)).map((event) => event.type);
  } catch {
    return undefined;
  }
}

function decoded(metadata: string, transcoder: Transcoder): Metadata | string {
  try {
    return transcoder.decode(metadata) as Metadata;
  } catch {
    return metadata;
  }
}
