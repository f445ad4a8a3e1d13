import type { StoredEvent, StoredNotification } from 'kahn';

/** Storage of one application of the baseline: the data of a recorder, accessed synchronously. */
export interface BaselineLog {
  readonly name: string;
  /** Does the work in a transaction. */
  transaction(work: () => void): void;
  /** Throws if the aggregate already has an event of this version. */
  append(event: StoredEvent): void;
  /** Up to `limit` notifications with ids above `after`. */
  read(after: number, limit: number): readonly StoredNotification[];
  /** Recorded version of an aggregate; 0 if it has no events. */
  versionOf(originatorId: string): number;
  position(upstreamName: string): number;
  /** Throws unless the position is the expected one. */
  movePosition(upstreamName: string, expected: number, position: number): void;
}

/** Storage of all applications of the baseline. */
export interface BaselineStorage extends Disposable {
  open(name: string): BaselineLog;
}
