import type { DeletedSubject, SubjectEntry, SubjectKey } from '../../subject-keys.ts';
import { journalFull, lockTimeout } from '../errors.ts';
import { Journal, JournalFull } from './journal.ts';
import { ThreadLock } from './thread-lock.ts';

/** Stands for the offset of an entry whose key is deleted. */
const deleted = 0;

/** Head of a journal entry: the subject, and the time of the deletion in the entry of a deletion. */
type HeadRow = readonly [subject: string, deletedAt?: number];

/** Largest journal, in bytes. Reserved at once, used as the journal fills. */
const defaultMaxBytes = 2 ** 28;

/**
 * The keys of subjects in a journal that threads share. The keys are nowhere else, so that one that is overwritten there is
 * gone in all threads.
 *
 * Every method holds the lock of the journal, for microseconds. It returns a promise if another thread holds the lock for
 * longer than a few ms.
 */
export class SubjectJournal {
  readonly #journal: Journal;
  readonly #lock: ThreadLock;
  /** Offset of the entry of each subject. */
  readonly #starts = new Map<string, number>();
  readonly #deleted: DeletedSubject[] = [];
  /** Offset in the journal up to which its entries are known. */
  #known = Journal.start;

  constructor(shared: SharedArrayBuffer) {
    this.#journal = new Journal(shared);
    this.#lock = new ThreadLock(this.#journal.lockWord);
  }

  /** Creates an empty journal of up to `maxBytes`. */
  static create(maxBytes: number = defaultMaxBytes): SubjectJournal {
    return new SubjectJournal(orStorageFull(() => Journal.create(maxBytes)).shared);
  }

  get shared(): SharedArrayBuffer {
    return this.#journal.shared;
  }

  add(keys: readonly SubjectKey[]): SubjectEntry[] | Promise<SubjectEntry[]> {
    return this.#alone(() => {
      const start = this.#journal.end;
      let end = start;
      const added = new Set<string>();
      for (const { subject, key } of keys) {
        if (this.#starts.has(subject) || added.has(subject)) continue;
        end = this.#write([subject], key, end);
        added.add(subject);
      }
      if (end > start) this.#commit(end);
      return keys.map(({ subject }) => this.#entryOf(subject));
    });
  }

  read(subjects: readonly string[]): (SubjectEntry | undefined)[] | Promise<(SubjectEntry | undefined)[]> {
    return this.#alone(() =>
      subjects.map((subject) => (this.#starts.has(subject) ? this.#entryOf(subject) : undefined)),
    );
  }

  delete(subject: string, timestamp: number): boolean | Promise<boolean> {
    return this.#alone(() => {
      if (this.#starts.get(subject) === deleted) return false;
      this.#commit(this.#write([subject, timestamp], '', this.#journal.end));
      return true;
    });
  }

  deleted(after: number, limit: number): DeletedSubject[] | Promise<DeletedSubject[]> {
    return this.#alone(() => this.#deleted.slice(after, after + limit)); // number n is at index n - 1
  }

  /** Releases the lock of a thread that has ended. */
  threadEnded(threadId: number): void {
    this.#lock.releaseFrom(threadId);
  }

  /** Does work that knows all entries, while this thread holds the lock. */
  #alone<T>(work: () => T): T | Promise<T> {
    return this.#lock.run(
      () => {
        this.#catchUp();
        return work();
      },
      () => lockTimeout(''),
    );
  }

  #write(head: HeadRow, body: string, start: number): number {
    return orStorageFull(() => this.#journal.write({ head: JSON.stringify(head), body }, start));
  }

  #commit(end: number): void {
    this.#journal.commit(end);
    this.#catchUp();
  }

  #catchUp(): void {
    const { end } = this.#journal;
    while (this.#known < end) this.#known = this.#apply(this.#known);
  }

  /** Applies the journal entry at an offset, and returns the offset of its end. */
  #apply(start: number): number {
    const { head, end } = this.#journal.readHead(start);
    const [subject, deletedAt] = JSON.parse(head) as HeadRow;
    if (deletedAt === undefined) this.#starts.set(subject, start);
    else this.#applyDeletion(subject, deletedAt);
    return end;
  }

  /** Overwrites the key, unless another thread has: the thread that deleted it may have ended before it did. */
  #applyDeletion(subject: string, timestamp: number): void {
    const start = this.#starts.get(subject);
    if (start !== undefined) this.#journal.eraseBody(start);
    this.#starts.set(subject, deleted);
    this.#deleted.push({ number: this.#deleted.length + 1, subject, timestamp });
  }

  #entryOf(subject: string): SubjectEntry {
    const start = this.#starts.get(subject) ?? deleted;
    return { subject, key: start === deleted ? undefined : this.#journal.readBody(start) };
  }
}

function orStorageFull<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof JournalFull)) throw cause;
    throw journalFull('', cause);
  }
}
