import type { StoredEvent, StoredNotification } from 'kahn';

/** The storage of one application of the bound: what a recorder keeps, without promises and without a layer above. */
export interface BoundLog {
  readonly name: string;
  /** All that the work writes is kept, or nothing. */
  transaction(work: () => void): void;
  /** Throws if the aggregate has an event of this version already. */
  append(event: StoredEvent): void;
  /** Up to `limit` notifications with ids above `after`. */
  read(after: number, limit: number): readonly StoredNotification[];
  /** The version of an aggregate on record; 0 if there is none. */
  versionOf(originatorId: string): number;
  position(upstreamName: string): number;
  /** Throws unless the position is the expected one. */
  movePosition(upstreamName: string, expected: number, position: number): void;
}

/** Where the bound keeps the logs of its applications. */
export interface BoundStorage extends Disposable {
  open(name: string): BoundLog;
}
