import type { Cause } from '../domain/provenance.ts';

/** Address of an event in the notification logs of its application. */
export interface LogPlace {
  readonly pipelineId: number;
  readonly notificationId: number;
}

/** Where an event comes from. Notifications include these fields; histories may omit them. */
export interface StoredProvenance {
  /** The notification that caused the event; missing for events of commands. */
  readonly cause?: Cause;
  /** Id shared by the events of a command and their effects, if recorded. */
  readonly correlationId?: string;
  /** Metadata encoded as text, if any. */
  readonly metadata?: string;
}

/** A domain event with its data encoded as text. */
export interface StoredEvent extends StoredProvenance {
  readonly originatorId: string;
  readonly originatorVersion: number;
  readonly type: string;
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /**
   * Events in other pipelines of the same application on which the event builds, if known. A follower processes them
   * first. Notifications include this field; histories may omit it.
   */
  readonly dependencies?: readonly LogPlace[];
  /**
   * Set to `false` for an event without a place in the log: it is part of the history of its aggregate only. Histories may
   * omit this field.
   */
  readonly notifiable?: false;
}

/** A stored event with its id in a notification log. The ids of a log count from 1 without gaps. */
export interface StoredNotification extends StoredEvent {
  readonly id: number;
}

/** The state of an aggregate at a version, encoded as text. */
export interface StoredSnapshot {
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** `snapshotSchema` of the aggregate class that wrote it. */
  readonly schema: number;
  readonly state: string;
}
