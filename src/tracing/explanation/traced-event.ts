import { type ParkedReason, parkedReasonOf } from '../../application/parking/parked-reason.ts';
import { eventsIn } from '../../domain/events/split-event.ts';
import type { Cause, Metadata } from '../../domain/provenance.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { Transcoder } from '../../storage/codec/transcoder.ts';
import type { ParkedNotification } from '../../storage/parked.ts';
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

/** A follower that has parked an event instead of processing it, and why: an error, or the event behind which it is parked. */
export interface ParkedBy extends ParkedReason {
  /** Name of the follower. */
  readonly applicationName: string;
  /** When the event was parked, in ms since 1970. */
  readonly since: number;
  /** Number of tries that have failed; 0 if it was parked behind another one. */
  readonly attempts: number;
  /** Whether the follower is to process it now. */
  readonly isDue: boolean;
}

/** An event and what followed from it. */
export interface TracedEffect extends TracedEvent {
  /** Direct effects, in the order of the names of their applications and of their ids. */
  readonly effects: readonly TracedEffect[];
  /** Names of the followers whose recorded position lies before the event. */
  readonly unprocessedBy: readonly string[];
  /** Followers that have parked the event, in the order of their names. */
  readonly parkedBy: readonly ParkedBy[];
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

/** Returns how a follower has parked an event, without a reason if it is no longer known. */
export function parkedBy(
  applicationName: string,
  { since, attempts, isDue }: Omit<ParkedNotification, 'reason'>,
  reason: string | undefined,
): ParkedBy {
  const why = reason === undefined ? {} : parkedReasonOf(reason);
  return { applicationName, since, attempts, isDue, ...why };
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
