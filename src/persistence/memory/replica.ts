import { StorageError } from '../errors.ts';
import type { ProcessEvent } from '../recorder.ts';
import type { ApplicationMemory } from './application-memory.ts';
import { callOf, textOf } from './call.ts';
import { callsOf } from './contents.ts';
import { Journal, JournalFull } from './journal.ts';
import { ThreadLock } from './thread-lock.ts';

/**
 * Keeps the memory of an application in this thread equal to those in others: each records in the journal
 * and, before every call, does what others have recorded there.
 */
export class Replica {
  readonly #memory: ApplicationMemory;
  readonly #journal: Journal;
  readonly #lock: ThreadLock;
  #applied: number;

  /** `applied` is how far the memory has what the journal has. */
  constructor(memory: ApplicationMemory, journal: Journal, applied: number) {
    this.#memory = memory;
    this.#journal = journal;
    this.#lock = new ThreadLock(journal.lockWord);
    this.#applied = applied;
  }

  /** Begins a journal with what the memory has. */
  static begin(memory: ApplicationMemory, maxBytes: number): Replica {
    const { applicationName } = memory;
    const journal = fitting(applicationName, () => Journal.create(maxBytes));
    for (const call of callsOf(memory.contents)) {
      journal.commit(fitting(applicationName, () => journal.write(textOf(call))));
    }
    return new Replica(memory, journal, journal.end);
  }

  get shared(): SharedArrayBuffer {
    return this.#journal.shared;
  }

  /** The memory with all that has been committed by now; asks for no lock. */
  caughtUp(): ApplicationMemory {
    const { end } = this.#journal;
    while (this.#applied < end) {
      const entry = this.#journal.read(this.#applied);
      this.#memory.replay(callOf(entry.text));
      this.#applied = entry.end;
    }
    return this.#memory;
  }

  /** Records like the memory does; a promise if another thread holds the lock for more than a moment. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number | Promise<number> {
    const { applicationName } = this.#memory;
    if (processEvents.every(isEmpty)) return this.caughtUp().head(pipelineId);
    const text = textOf({ pipelineId, processEvents });
    this.caughtUp(); // most of it before the lock, which is to be held for a moment only
    const recordAlone = (): number => {
      const memory = this.caughtUp();
      // In this order, so that whatever fails and wherever this thread dies, either all have it or nobody.
      const end = fitting(applicationName, () => this.#journal.write(text));
      const head = memory.record(pipelineId, processEvents);
      this.#journal.commit(end);
      this.#applied = end;
      return head;
    };
    return this.#lock.run(recordAlone, () => busy(applicationName));
  }

  /** Releases what a thread held that has ended. */
  threadEnded(threadId: number): void {
    this.#lock.releaseFrom(threadId);
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
