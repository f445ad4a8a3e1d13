/** Where an event stands in the logs of its application. */
export interface LogPlace {
  readonly pipelineId: number;
  readonly notificationId: number;
}

/** A domain event as storage keeps it: the data encoded as text. */
export interface StoredEvent {
  readonly originatorId: string;
  readonly originatorVersion: number;
  readonly type: string;
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /**
   * What it builds on in other pipelines of its application, if that is known: whoever follows processes that first.
   * Notifications have it, histories need not.
   */
  readonly dependencies?: readonly LogPlace[];
}

/** A stored event with its id in a notification log; ids of a log count from 1 without gaps. */
export interface StoredNotification extends StoredEvent {
  readonly id: number;
}

/** The state of an aggregate at a version, encoded as text. */
export interface StoredSnapshot {
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** The `snapshotSchema` of the aggregate class that wrote it. */
  readonly schema: number;
  readonly state: string;
}
