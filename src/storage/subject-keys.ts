/** Entry of a person or another subject of personal data. */
export interface SubjectEntry {
  readonly subject: string;
  /** Key that encrypts the data of the subject, as text; undefined if it was deleted. */
  readonly key: string | undefined;
}

/** A subject whose key was deleted. Their numbers count from 1 in the order of deletion, across all hosts. */
export interface DeletedSubject {
  readonly number: number;
  readonly subject: string;
}

/**
 * Table of the keys of subjects, apart from all events and shared by the applications of a storage. A key that was
 * deleted leaves no copy in the table.
 */
export interface SubjectKeyTable {
  /** Adds a key for each subject that has no entry. Resolves with the entries on record, in the order given. */
  add(
    entries: readonly { readonly subject: string; readonly key: string }[],
  ): Promise<readonly SubjectEntry[]>;
  /** Reads the entries of subjects, in the order given; undefined where there is none. */
  read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]>;
  /**
   * Deletes the key of a subject, and keeps an entry without key, also if there was none. Resolves with false if it was
   * deleted before.
   *
   * @param timestamp Time of the deletion, in ms since 1970.
   */
  delete(subject: string, timestamp: number): Promise<boolean>;
  /** Reads up to `limit` deleted subjects with numbers above `after`, in order. */
  deleted(after: number, limit: number): Promise<readonly DeletedSubject[]>;
  /** Releases all resources. */
  close(): Promise<void>;
}
