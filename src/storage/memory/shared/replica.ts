import { StorageError } from '../../errors.ts';
import type { EventKey, History, HistoryRequest, ProcessEvent } from '../../recorder.ts';
import type { LogPlace, StoredNotification } from '../../stored-event.ts';
import { ApplicationMemory } from '../application-memory.ts';
import { callsOf } from './initial-entries.ts';
import { type Entry, Journal, JournalFull } from './journal.ts';
import { entryOf, headOf, processEventsOf } from './journal-entry.ts';
import { Outline } from './log-index.ts';
import { ThreadLock } from './thread-lock.ts';

/**
 * The memory of an application that several threads record in: by a journal they share, which each reads on before
 * every call. A thread that only reads the log keeps an outline of it; one that asks for histories or records keeps
 * all there is, from the first time on.
 */
export class Replica {
  readonly #applicationName: string;
  readonly #journal: Journal;
  readonly #lock: ThreadLock;
  #kept: Outline | ApplicationMemory;
  /** How far what is kept has what the journal has. */
  #applied = Journal.start;

  constructor(applicationName: string, journal: Journal) {
    this.#applicationName = applicationName;
    this.#journal = journal;
    this.#lock = new ThreadLock(journal.lockWord);
    this.#kept = new Outline(journal);
  }

  /** Begins a journal with what the memory has. Throws StorageError STORAGE_FULL if there is no room for it. */
  static begin(memory: ApplicationMemory, maxBytes: number): Replica {
    const { applicationName } = memory;
    const journal = fitting(applicationName, () => Journal.create(maxBytes));
    for (const call of callsOf(memory.contents)) {
      journal.commit(fitting(applicationName, () => journal.write(entryOf(call))));
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

  notifications(pipelineId: number, after: number, limit: number): StoredNotification[] {
    return this.#caughtUp().notifications(pipelineId, after, limit);
  }

  head(pipelineId: number): number {
    return this.#caughtUp().head(pipelineId);
  }

  position(pipelineId: number, upstreamName: string): number {
    return this.#caughtUp().position(pipelineId, upstreamName);
  }

  /** Records like a memory does; a promise if another thread holds the lock for more than a moment. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number | Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    const entry = entryOf({ pipelineId, processEvents });
    this.#memory(); // most of it before the lock, which is to be held for a moment only
    return this.#lock.run(
      () => this.#recordAlone(pipelineId, processEvents, entry),
      () => busy(this.#applicationName),
    );
  }

  /** Releases what a thread held that has ended. */
  threadEnded(threadId: number): void {
    this.#lock.releaseFrom(threadId);
  }

  /** In this order, so that whatever fails and wherever this thread dies, either all have it or nobody. */
  #recordAlone(pipelineId: number, processEvents: readonly ProcessEvent[], entry: Entry): number {
    const memory = this.#memory();
    const end = fitting(this.#applicationName, () => this.#journal.write(entry));
    const head = memory.record(pipelineId, processEvents);
    this.#journal.commit(end);
    this.#applied = end;
    return head;
  }

  /** Something with all that has been committed by now; asks for no lock. */
  #caughtUp(): Outline | ApplicationMemory {
    const { end } = this.#journal;
    while (this.#applied < end) this.#applied = this.#apply(this.#applied);
    return this.#kept;
  }

  /** The whole memory with all that has been committed by now. */
  #memory(): ApplicationMemory {
    if (this.#kept instanceof Outline) {
      this.#kept = new ApplicationMemory(this.#applicationName);
      this.#applied = Journal.start;
    }
    this.#caughtUp();
    return this.#kept;
  }

  /** Returns where the entry at this place ends. */
  #apply(place: number): number {
    const { head, end } = this.#journal.readHead(place);
    const callHead = headOf(head);
    if (this.#kept instanceof Outline) this.#kept.add(callHead, place);
    else {
      const processEvents = processEventsOf(this.#journal.readBody(place));
      this.#kept.replay({ pipelineId: callHead.pipelineId, processEvents });
    }
    return end;
  }
}

function isEmpty({ events, snapshots, tracking }: ProcessEvent): boolean {
  return events.length === 0 && snapshots.length === 0 && tracking === undefined;
}

function fitting<T>(applicationName: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof JournalFull)) throw cause;
    throw new StorageError(
      'STORAGE_FULL',
      applicationName,
      `The memory() that threads share has no more room for what application '${applicationName}' records: ` +
        'use storage that is not bound by memory, such as sqlite({ directory }).',
      { cause },
    );
  }
}

function busy(applicationName: string): StorageError {
  return new StorageError(
    'STORAGE_BUSY',
    applicationName,
    `Application '${applicationName}' could not record: another thread keeps its memory() locked. Try again.`,
  );
}
