import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from './stored-event.ts';

/** Moves the position in an upstream's log, if it still is where the follower believes it to be. */
export interface Tracking {
  readonly upstreamName: string;
  /** The position this follower last recorded; 0 at first. */
  readonly expected: number;
  /** The id of the last notification processed. */
  readonly position: number;
}

/**
 * What must be recorded together or not at all: new events, snapshots of their aggregates, and a position.
 */
export interface ProcessEvent {
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  readonly tracking?: Tracking;
}

/** Asks for what happened to one aggregate. */
export interface HistoryRequest {
  readonly originatorId: string;
  /** Only events above this version; 0 for all. */
  readonly after: number;
  /** Only events up to this version; none means the newest. */
  readonly upTo?: number;
  /** Whether to start at the newest snapshot within the bounds, leaving out the events before it. */
  readonly useSnapshot: boolean;
}

/** Tells one event of an application from all others. */
export interface EventKey {
  readonly originatorId: string;
  readonly originatorVersion: number;
}

/**
 * What happened to one aggregate: a snapshot if one was asked for and found, and the events after it, in
 * order.
 */
export interface History {
  readonly snapshot: StoredSnapshot | undefined;
  readonly events: readonly StoredEvent[];
}

/**
 * The storage of one application. Everything it records is durable when the promise resolves, and a
 * rejected call has recorded nothing.
 */
export interface Recorder {
  /**
   * Records all process events in one transaction, in the order given, in the log of `pipelineId`, and
   * resolves with the id of the log's last notification. Notification ids follow the order of the events,
   * without a gap. No reader sees a notification before all those with smaller ids.
   *
   * @throws RecordConflictError unless the version of each event is one above the newest of its aggregate.
   * @throws PositionConflictError if a position is not the expected one.
   * @throws StorageError if the storage fails.
   */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number>;

  /** Reads many histories at once; the answers stand in the order of the requests. */
  histories(requests: readonly HistoryRequest[]): Promise<readonly History[]>;

  /** Where some events stand, in whatever pipelines, in the order of the keys; undefined for what is not on record. */
  locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]>;

  /** Reads up to `limit` notifications with ids above `after`, in order. */
  notifications(pipelineId: number, after: number, limit: number): Promise<readonly StoredNotification[]>;

  /** The id of the log's last notification; 0 if it is empty. */
  head(pipelineId: number): Promise<number>;

  /** The last recorded position in an upstream's log; 0 if there is none. */
  position(pipelineId: number, upstreamName: string): Promise<number>;

  /** Records snapshots by themselves, replacing those of the same aggregate and version. */
  recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void>;

  /**
   * Releases everything; calling it again does nothing. Other calls then throw StorageError STORAGE_CLOSED.
   */
  close(): Promise<void>;
}
