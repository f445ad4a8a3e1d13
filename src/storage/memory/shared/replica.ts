import { threadId } from 'node:worker_threads';
import type { Cause } from '../../../domain/provenance.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../../parked.ts';
import {
  type EventKey,
  type History,
  type HistoryRequest,
  isEmpty,
  type ProcessEvent,
  type RecordedOperation,
  type RecordedPosition,
  type StoredCommand,
  type TypeCounts,
} from '../../recorder.ts';
import type { LogPlace, StoredNotification } from '../../stored-event.ts';
import { ApplicationMemory } from '../application-memory.ts';
import type { Expiry } from '../commands.ts';
import { journalFull, lockTimeout } from '../errors.ts';
import type { TypesChange } from '../positions.ts';
import { callsToRecord } from './initial-entries.ts';
import { type Entry, Journal, JournalFull } from './journal.ts';
import { entryOf, headOf, processEventsOf, type RecordCall } from './journal-entry.ts';
import { LogIndex } from './log-index.ts';
import { ThreadLock } from './thread-lock.ts';

/** Result of recording: the head of the log, or `writeLocked` if another caller holds the write lock. */
export type Outcome = number | typeof writeLocked;
export const writeLocked: unique symbol = Symbol('write-locked');

const free = 0;
const own = threadId + 1;

/**
 * This thread's view of the memory of an application in which several threads record. The threads share a journal; the
 * replica reads its new entries before every call.
 *
 * A thread that only reads logs keeps an index of them. Once it reads a history or records, it keeps all contents.
 */
export class Replica {
  readonly #applicationName: string;
  readonly #journal: Journal;
  readonly #lock: ThreadLock;
  #content: LogIndex | ApplicationMemory;
  #ownsWriteLock = false;
  /** Offset in the journal up to which the content is complete. */
  #applied = Journal.start;

  constructor(applicationName: string, journal: Journal) {
    this.#applicationName = applicationName;
    this.#journal = journal;
    this.#lock = new ThreadLock(journal.lockWord);
    this.#content = new LogIndex(journal);
  }

  /** Creates a journal of the memory's contents. Throws StorageError STORAGE_FULL if they do not fit. */
  static create(memory: ApplicationMemory, maxBytes: number): Replica {
    const { applicationName } = memory;
    const journal = orStorageFull(applicationName, () => Journal.create(maxBytes));
    for (const call of callsToRecord(memory.contents)) {
      journal.commit(orStorageFull(applicationName, () => journal.write(entryOf(call))));
    }
    return new Replica(applicationName, journal);
  }

  get shared(): SharedArrayBuffer {
    return this.#journal.shared;
  }

  history(request: HistoryRequest): History {
    return this.#memory().history(request);
  }

  locate(key: EventKey): LogPlace | undefined {
    return this.#memory().locate(key);
  }

  notifications(pipelineId: number, after: number, limit: number, maxSize?: number): StoredNotification[] {
    return this.#caughtUp().notifications(pipelineId, after, limit, maxSize);
  }

  causes(pipelineId: number, after: number, limit: number): (Cause | undefined)[] {
    return this.#caughtUp().causes(pipelineId, after, limit);
  }

  countTypes(pipelineId: number, after: number, limit: number): TypeCounts {
    return this.#memory().countTypes(pipelineId, after, limit);
  }

  logs(): LogPlace[] {
    return this.#caughtUp().logs();
  }

  positions(): RecordedPosition[] {
    return this.#caughtUp().positions();
  }

  head(pipelineId: number): number {
    return this.#caughtUp().head(pipelineId);
  }

  position(pipelineId: number, upstreamName: string): RecordedPosition {
    return this.#caughtUp().position(pipelineId, upstreamName);
  }

  operations(after: number, limit: number): RecordedOperation[] {
    return this.#memory().operations(after, limit);
  }

  command(key: string): StoredCommand | undefined {
    return this.#memory().command(key);
  }

  parked(request: ParkedRequest): ParkedNotification[] {
    return this.#caughtUp().parked(request);
  }

  countParked(): ParkedCount[] {
    return this.#caughtUp().countParked();
  }

  /**
   * Records a call, or returns `writeLocked` if another caller holds the write lock. Returns a promise if another thread
   * is recording for longer than a few ms.
   */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Outcome | Promise<Outcome> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    return this.#write({ pipelineId, processEvents }, (memory) => memory.record(pipelineId, processEvents));
  }

  /** Records handled types, as `record` does. */
  recordHandledTypes(pipelineId: number, types: TypesChange): Outcome | Promise<Outcome> {
    const call = { pipelineId, processEvents: [], types };
    return this.#write(call, (memory) => memory.recordHandledTypes(pipelineId, types));
  }

  /** Deletes commands, as `record` does. */
  deleteCommands(expiry: Expiry): Outcome | Promise<Outcome> {
    const call = { pipelineId: 0, processEvents: [], expiry };
    return this.#write(call, (memory) => memory.deleteCommands(expiry));
  }

  /** Takes the write lock for this replica. Returns whether it was free. */
  tryLock(): boolean | Promise<boolean> {
    return this.#alone(() => {
      this.#ownsWriteLock = Atomics.compareExchange(this.#journal.ownerWord, 0, free, own) === free;
      return this.#ownsWriteLock;
    });
  }

  /** Releases the write lock, if this replica holds it. */
  unlock(): void {
    if (this.#ownsWriteLock) Atomics.compareExchange(this.#journal.ownerWord, 0, own, free);
    this.#ownsWriteLock = false;
  }

  /** Releases the locks that a thread held when it ended. */
  threadEnded(threadId: number): void {
    this.#lock.releaseFrom(threadId);
    Atomics.compareExchange(this.#journal.ownerWord, 0, threadId + 1, free);
  }

  #write(call: RecordCall, record: (memory: ApplicationMemory) => number): Outcome | Promise<Outcome> {
    const entry = entryOf(call);
    this.#memory(); // reads most new entries before the lock is taken, so that it is held briefly
    return this.#alone(() => {
      if (!this.#ownsWriteLock && Atomics.load(this.#journal.ownerWord, 0) !== free) return writeLocked;
      return this.#recordAlone(entry, record);
    });
  }

  #alone<T>(work: () => T): T | Promise<T> {
    return this.#lock.run(work, () => lockTimeout(this.#applicationName));
  }

  /**
   * Records a call while this thread holds the lock. In this order, all threads or none see the call, whichever step
   * fails.
   */
  #recordAlone(entry: Entry, record: (memory: ApplicationMemory) => number): number {
    const memory = this.#memory();
    const end = orStorageFull(this.#applicationName, () => this.#journal.write(entry));
    const result = record(memory);
    this.#journal.commit(end);
    this.#applied = end;
    return result;
  }

  /** Returns the content with all committed entries; takes no lock. */
  #caughtUp(): LogIndex | ApplicationMemory {
    const { end } = this.#journal;
    while (this.#applied < end) this.#applied = this.#apply(this.#applied);
    return this.#content;
  }

  /** Returns all contents, with all committed entries. */
  #memory(): ApplicationMemory {
    if (this.#content instanceof LogIndex) {
      this.#content = new ApplicationMemory(this.#applicationName);
      this.#applied = Journal.start;
    }
    this.#caughtUp();
    return this.#content;
  }

  /** Applies the journal entry at an offset, and returns the offset of its end. */
  #apply(offset: number): number {
    const { head, end } = this.#journal.readHead(offset);
    const entryHead = headOf(head);
    if (this.#content instanceof LogIndex) this.#content.add(entryHead, offset);
    else {
      const processEvents = processEventsOf(this.#journal.readBody(offset));
      this.#content.replay({ ...entryHead, processEvents });
    }
    return end;
  }
}

function orStorageFull<T>(applicationName: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof JournalFull)) throw cause;
    throw journalFull(applicationName, cause);
  }
}
