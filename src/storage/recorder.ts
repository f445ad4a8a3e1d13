import type { Cause } from '../domain/provenance.ts';
import type { RowsError } from './errors.ts';
import type { ParkedChange, ParkedCount, ParkedNotification, ParkedRequest } from './parked.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from './stored-event.ts';

/** Moves the position in an upstream's log, provided that position and version of the handled types are as expected. */
export interface Tracking {
  readonly upstreamName: string;
  /** Position that the follower last recorded; 0 at first. */
  readonly expected: number;
  /** Id of the last notification processed. */
  readonly position: number;
  /** Mark of that notification, which replaces the recorded mark. May be computed when it is read. @default none */
  readonly mark?: string | undefined;
  /** Expected version of the handled types. @default 0 */
  readonly typesVersion?: number;
}

/** A command with an idempotency key. An application records each key once. */
export interface StoredCommand {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Fingerprint of the content, by which a repeated call is told from another command with the same key. */
  readonly fingerprint: string;
  /** Outcome of the first call, encoded as text. */
  readonly outcome: string;
}

/** New events, snapshots, a position, an operation, the key of a command and parked notifications: recorded together or not at all. */
export interface ProcessEvent {
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  readonly tracking?: Tracking;
  readonly operation?: StoredOperation;
  readonly command?: StoredCommand;
  /** Notifications that are parked, changed or deleted, in the pipeline of the call. */
  readonly parked?: readonly ParkedChange[];
}

/** Returns whether a process event has nothing to record. */
export function isEmpty({
  events,
  snapshots,
  tracking,
  operation,
  command,
  parked = [],
}: ProcessEvent): boolean {
  return (
    events.length === 0 &&
    snapshots.length === 0 &&
    tracking === undefined &&
    operation === undefined &&
    command === undefined &&
    parked.length === 0
  );
}

/** An act of a person or a tool on an application, as storage keeps it. */
export interface StoredOperation {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** What was done, such as 'reposition'. */
  readonly kind: string;
  /** Who did it. */
  readonly by: string;
  /** Why it was done. */
  readonly reason: string;
  /** More fields as JSON text. */
  readonly details: string;
}

/** An operation with its id. The ids of an application count from 1 without gaps. */
export interface RecordedOperation extends StoredOperation {
  readonly id: number;
}

/** Numbers of events by type, in a part of the events of a pipeline. */
export interface TypeCounts {
  /** Number of events of each type in the part. */
  readonly counts: ReadonlyMap<string, number>;
  /** Id of the last event of the part, after which the next part begins; undefined if the part is empty. */
  readonly last: number | undefined;
}

/** Selects events of one aggregate. */
export interface HistoryRequest {
  readonly originatorId: string;
  /** Only events above this version; 0 for all. */
  readonly after: number;
  /** Only events up to this version. @default the newest version */
  readonly upTo?: number;
  /** Whether to start at the newest snapshot within the bounds and leave out the events before it. */
  readonly useSnapshot: boolean;
}

/** Identifies one event of an application. */
export interface EventKey {
  readonly originatorId: string;
  readonly originatorVersion: number;
}

/** Events of one aggregate in the order of their versions, after a snapshot if one was requested and found. */
export interface History {
  readonly snapshot: StoredSnapshot | undefined;
  readonly events: readonly StoredEvent[];
}

/** Position of an application in the log of an upstream. */
export interface RecordedPosition {
  readonly pipelineId: number;
  readonly upstreamName: string;
  /** Id of the last notification processed; 0 at first. */
  readonly position: number;
  /** Mark recorded with the last move of a position by this or a later release; missing if there was none. */
  readonly mark?: string;
  /** Event types that the newest version of the application handles; missing until they are recorded. */
  readonly handledTypes?: readonly string[];
  /** Number of times that the handled types were recorded. */
  readonly typesVersion: number;
}

/**
 * Kind of the handle by which rows are recorded, as a class states it with `static readonly rows`: `sqliteRows` of
 * `kahn/sqlite` or `postgresRows` of `kahn/postgres`.
 */
export interface RowsKind<Handle = unknown> {
  /** Driver of the handle, such as 'sqlite'. */
  readonly driver: string;
  /** Carries the type of the handle; never set. */
  readonly handle?: Handle;
}

/** Rows that an application records beside its events, as others may read them. */
export interface RecordedRows {
  /** Schema of the database in which projections create their tables. @default the database has no schemas */
  readonly namespace?: string;
  /**
   * Calls `read` with a handle of the driver that reads what is recorded, as of one moment, and cannot write. Resolves with
   * the result of `read`, behind which the handle must not be used.
   */
  read<T>(read: (handle: unknown) => T | Promise<T>): Promise<T>;
}

/** The right to record next. Other calls that record, by any recorder of the application, wait until it is released. */
export interface WriteLock {
  /**
   * Handle of the driver with which rows are written that are recorded together with the next call of `record`: a
   * `DatabaseSync` of SQLite, a client of `pg`. It cannot end the transaction. Rows that are written before the lock is
   * released without `record` are lost. Once the handle was read, `record` rejects with a {@link RowsError} if the
   * transaction has ended: it never records without the rows. Storage without a handle records no rows.
   */
  readonly handle?: unknown;
  /** Records as {@link Recorder.record} does, and releases the lock in any case. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number>;
  /**
   * Releases the lock, if it is still held.
   *
   * @param reason Error with which later uses of the handle are refused.
   */
  release(reason?: RowsError): Promise<void>;
}

/**
 * Reads and writes the storage of one application.
 *
 * Everything that a call records is durable when its promise resolves. A call that rejects has recorded nothing, unless
 * it rejects with STORAGE_OUTCOME_UNKNOWN. Other recorders of the same application, also in other threads and processes
 * if the storage allows it, may be used at the same time. Every method rejects with StorageError if storage fails, which
 * tells whether a later call may succeed. A follower that gets any other error, such as one of a driver, counts it as a
 * fault of the recorder and stops until its next start.
 */
export interface Recorder {
  /**
   * Records all process events in one transaction, in the order given, in the log of `pipelineId`. Resolves with the
   * id of the log's last notification.
   *
   * Notification ids follow the order of the events without gaps. No reader sees a notification before all
   * notifications with smaller ids. Calls that are not awaited one by one are recorded in the order of the calls. Events
   * with `notifiable: false` get no id and appear in histories only.
   *
   * @throws {@link KeyConflictError} if the key of a command is recorded or occurs twice in the call, also if versions or
   * positions conflict as well.
   * @throws {@link RecordConflictError} unless the version of each event is one above the newest of its aggregate.
   * @throws {@link PositionConflictError} if a position, or the version of its handled types, is not as expected.
   * @throws {@link ParkedConflictError} if the revision of a parked notification is not as expected, or the call changes
   * one twice, while keys, versions and positions are as expected.
   */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number>;

  /**
   * Takes the write lock of the application, in all threads and processes that use the storage. Reads do not wait for it.
   * The caller releases it within seconds. The lock is released if the caller's thread or process ends. Storage without
   * this method has no such lock: a follower that keeps losing races to commands then relies on its retries.
   */
  lock?(): Promise<WriteLock>;

  /**
   * Prepares for rows of a kind: `lock()` then gives a handle of its driver. Storage without this method records no rows.
   *
   * @throws {@link InvalidStorageError} if the storage cannot record rows of this kind.
   */
  rows?(kind: RowsKind): RecordedRows;

  /**
   * Reads the histories of several aggregates, in the order of the requests.
   *
   * @param maxSize Size of data and states at which the read ends, in characters or bytes of UTF-8: the history by which
   * the size reaches it is the last one, and later requests have no result. Default: no limit.
   */
  histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]>;

  /**
   * Finds events in the logs of all pipelines, in the order of the keys; undefined where none is recorded. The id of an
   * event without a place in the log is 0.
   */
  locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]>;

  /**
   * Reads up to `limit` notifications with ids above `after`, in order.
   *
   * @param maxSize Size of data and metadata at which the read ends, in characters or bytes of UTF-8: the notification
   * by which the size reaches it is the last one. Default: no limit.
   */
  notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]>;

  /**
   * Reads the causes of the `limit` notifications with ids above `after`, fewer at the end of the log; undefined where none
   * is recorded. The cause of notification `after + 1` is at index 0 also if notifications are missing in a damaged log:
   * they have no causes.
   */
  causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]>;

  /**
   * Counts the types of up to `limit` events with ids above `after`, in order. Events without a place in the log come before
   * the notifications, with ids from -1 downwards: a count of all events begins after `Number.MIN_SAFE_INTEGER`. Storage
   * without this method reports no undeclared types.
   */
  countTypes?(pipelineId: number, after: number, limit: number): Promise<TypeCounts>;

  /** Reads the id of the log's last notification; 0 if the log is empty. */
  head(pipelineId: number): Promise<number>;

  /** Reads the recorded position in an upstream's log. If there is none, it is 0 and its handled types have version 0. */
  position(pipelineId: number, upstreamName: string): Promise<RecordedPosition>;

  /** Reads the last notification of each log that is not empty, in the order of pipelines. */
  logs(): Promise<readonly LogPlace[]>;

  /** Reads all recorded positions, in the order of pipelines and of names by UTF-8 bytes. */
  positions(): Promise<readonly RecordedPosition[]>;

  /**
   * Records the event types of an upstream that the application handles, and resolves with their new version, which is
   * one above the expected version. Positions are then moved only by calls that expect the new version. The position
   * itself stays as it is.
   *
   * @throws {@link PositionConflictError} if the recorded version is not the expected version. Read the position again:
   * another runner was first, or a call whose outcome was unknown has recorded the types.
   */
  recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number>;

  /** Reads up to `limit` operations with ids above `after`, in order. */
  operations(after: number, limit: number): Promise<readonly RecordedOperation[]>;

  /**
   * Reads the recorded command with a key. Storage without this method records no commands, so that the application refuses
   * idempotency keys.
   */
  command?(key: string): Promise<StoredCommand | undefined>;

  /**
   * Deletes up to `limit` of the commands with timestamps below `before`, oldest first, and resolves with their number. Their
   * keys may then be recorded again. Storage with `command()` has this method.
   */
  deleteCommands?(before: number, limit: number): Promise<number>;

  /**
   * Reads up to `limit` parked notifications of a pipeline, in the order in which they were parked. Storage without this
   * method parks no notifications.
   */
  parked?(request: ParkedRequest): Promise<readonly ParkedNotification[]>;

  /**
   * Counts the parked notifications of each pipeline and upstream that has some, in the order of pipelines and of names by
   * UTF-8 bytes. Storage with `parked()` has this method.
   */
  countParked?(): Promise<readonly ParkedCount[]>;

  /** Records snapshots without events, replacing snapshots of the same aggregate and version. */
  recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void>;

  /** Releases all resources. Every other call then rejects with STORAGE_CLOSED; closing again does nothing. */
  close(): Promise<void>;
}
