import type { Cause, Metadata } from '../../domain/provenance.ts';
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
  readonly type: string;
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
): TracedEvent {
  const { id, type, originatorId, originatorVersion, timestamp, cause, correlationId, metadata } = stored;
  return {
    applicationName,
    pipelineId,
    notificationId: id,
    type,
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

function decoded(metadata: string, transcoder: Transcoder): Metadata | string {
  try {
    return transcoder.decode(metadata) as Metadata;
  } catch {
    return metadata;
  }
}
