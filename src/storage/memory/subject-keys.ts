import { subjectKeysClosed } from '../storage-location.ts';
import type { DeletedSubject, SubjectEntry, SubjectKey, SubjectKeyTable } from '../subject-keys.ts';
import { memoryLocation } from './errors.ts';
import type { SubjectJournal } from './shared/subject-journal.ts';

/** Reads and writes the keys of subjects in the journal of a memory. */
export class MemorySubjectKeys implements SubjectKeyTable {
  #open: SubjectJournal | undefined;

  constructor(journal: SubjectJournal) {
    this.#open = journal;
  }

  async add(keys: readonly SubjectKey[]): Promise<readonly SubjectEntry[]> {
    return this.#journal.add(keys);
  }

  async read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]> {
    return this.#journal.read(subjects);
  }

  async delete(subject: string, timestamp: number): Promise<boolean> {
    return this.#journal.delete(subject, timestamp);
  }

  async deleted(after: number, limit: number): Promise<readonly DeletedSubject[]> {
    return this.#journal.deleted(after, limit);
  }

  async close(): Promise<void> {
    this.#open = undefined;
  }

  get #journal(): SubjectJournal {
    if (this.#open !== undefined) return this.#open;
    throw subjectKeysClosed(memoryLocation(''));
  }
}
