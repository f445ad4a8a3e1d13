import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { StorageError } from '../errors.ts';
import { storageError, subjectKeysClosed } from '../storage-location.ts';
import type { DeletedSubject, SubjectEntry, SubjectKey, SubjectKeyTable } from '../subject-keys.ts';
import type { Session, SessionPurpose } from './connection/session.ts';
import type { DatabaseFile } from './layout/file.ts';
import { row, rows, sql } from './statements.ts';
import { prepareSubjects, type SubjectStatements } from './subject-statements.ts';

/** Delay between attempts to empty the write-ahead log, in ms. Each attempt keeps other writers waiting for a few ms. */
const emptyingPauseMs = 50;

/** Returns the purpose of the session of a table of keys. */
export function keepingKeysIn(file: DatabaseFile): SessionPurpose<DatabaseFile, SubjectStatements> {
  return { file, prepare: prepareSubjects, closed: subjectKeysClosed };
}

/** Reads and writes the keys of subjects in a SQLite file. */
export class SqliteSubjectKeys implements SubjectKeyTable {
  readonly #session: Session<DatabaseFile, SubjectStatements>;

  /** Takes over a session; `close()` closes it. */
  constructor(session: Session<DatabaseFile, SubjectStatements>) {
    this.#session = session;
  }

  async add(keys: readonly SubjectKey[]): Promise<readonly SubjectEntry[]> {
    const known = await this.read(keys.map(({ subject }) => subject));
    if (known.every((entry) => entry !== undefined)) return known;
    return this.#change((statements) => keys.map((one) => addedTo(statements, one)));
  }

  async read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]> {
    const read = (statements: SubjectStatements) => subjects.map((subject) => entryIn(statements, subject));
    return subjects.length === 1 ? this.#session.read(read) : this.#session.readTogether(read);
  }

  async delete(subject: string, timestamp: number): Promise<boolean> {
    const isDeleted = await this.#change(({ deleteSubject, overwriteKey }) => {
      if (deleteSubject.run(subject, timestamp).changes === 0) return false;
      overwriteKey.run(subject);
      return true;
    });
    await this.#emptyLog(); // also if it was deleted before, by a call that could not empty the log
    return isDeleted;
  }

  async deleted(after: number, limit: number): Promise<readonly DeletedSubject[]> {
    return this.#session.read(({ deleted }) =>
      rows(deleted, after, limit).map(([number, subject, timestamp]) => ({
        number: Number(number),
        subject: String(subject),
        timestamp: Number(timestamp),
      })),
    );
  }

  async close(): Promise<void> {
    this.#session.close();
  }

  /** Changes keys in a transaction in which SQLite overwrites the bytes that it no longer uses. */
  #change<T>(work: (statements: SubjectStatements) => T): T | Promise<T> {
    return this.#session.whenFree(() => {
      const { database } = this.#session;
      database.exec(sql.secureDelete.on);
      try {
        return this.#session.transact(work);
      } finally {
        if (database.isOpen) database.exec(sql.secureDelete.off);
      }
    });
  }

  /**
   * Moves all commits of the write-ahead log into the file, and empties the log, which holds the pages of before. Readers of
   * an older state keep it from being emptied.
   */
  async #emptyLog(): Promise<void> {
    const deadline = performance.now() + this.#session.busyTimeoutMs;
    while (!this.#session.use('recording', () => this.#tryToEmptyLog())) {
      if (performance.now() >= deadline) throw keptInLog(this.#session.file);
      await delay(emptyingPauseMs);
    }
  }

  #tryToEmptyLog(): boolean {
    const { database, held } = this.#session;
    return !held.isHeld && database.prepare(sql.emptyLog).get()?.busy === 0;
  }
}

function addedTo(statements: SubjectStatements, { subject, key }: SubjectKey): SubjectEntry {
  const known = entryIn(statements, subject);
  if (known !== undefined) return known;
  const { lastInsertRowid } = statements.addKey.run(key);
  statements.addSubject.run(subject, lastInsertRowid);
  return { subject, key };
}

function entryIn({ entry }: SubjectStatements, subject: string): SubjectEntry | undefined {
  const found = row(entry, subject);
  return found && { subject, key: found[0] === null ? undefined : String(found[0]) };
}

function keptInLog(file: DatabaseFile): StorageError {
  const reason =
    'the key is deleted, but a reader such as a backup kept a copy in the write-ahead log for longer than busyTimeoutMs. ' +
    'Delete the key again afterwards, which removes the copy.';
  return storageError('STORAGE_BUSY', file, reason);
}
