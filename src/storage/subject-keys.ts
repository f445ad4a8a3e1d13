/** The key of a person or another subject of personal data. */
export interface SubjectKey {
  readonly subject: string;
  /** Encoded as text. */
  readonly key: string;
}

/** Entry of a subject in the table of keys. */
export interface SubjectEntry {
  readonly subject: string;
  /** Key of the subject, encoded as text; undefined if it was deleted. */
  readonly key: string | undefined;
}

/** A subject whose key was deleted. */
export interface DeletedSubject {
  /** Number of the deletion. The numbers of a storage count from 1 without gaps. */
  readonly number: number;
  readonly subject: string;
  /** Time of the deletion, in ms since 1970. */
  readonly timestamp: number;
}

/**
 * Table of the keys of subjects, apart from all events. All applications, threads and processes that use a storage share it.
 *
 * A call that rejects has changed nothing, unless it rejects with STORAGE_OUTCOME_UNKNOWN, or with STORAGE_BUSY from
 * `delete`. Every method rejects with StorageError if storage fails.
 */
export interface SubjectKeyTable {
  /**
   * Adds a key for each subject without an entry, and resolves with the entries of all subjects, in the order given. The
   * entry of a subject with a deleted key stays as it is. Of two keys for one subject, the first is added.
   */
  add(keys: readonly SubjectKey[]): Promise<readonly SubjectEntry[]>;
  /** Reads the entries of subjects, in the order given; undefined where there is none. */
  read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]>;
  /**
   * Deletes the key of a subject and keeps its entry without key, also if there was none. Resolves with false if the key was
   * deleted before. Once the promise resolves, the storage holds no copy of the key, except where its server keeps old data:
   * see docs/postgres.md.
   *
   * A reader of an older state may delay the removal of the last copy. If it takes too long, the call rejects with
   * STORAGE_BUSY although the key is deleted: call again to remove the copy.
   *
   * @param timestamp Time of the deletion, in ms since 1970.
   */
  delete(subject: string, timestamp: number): Promise<boolean>;
  /** Reads up to `limit` deleted subjects with numbers above `after`, in order. */
  deleted(after: number, limit: number): Promise<readonly DeletedSubject[]>;
  /** Releases all resources. Every other call then rejects with STORAGE_CLOSED; closing again does nothing. */
  close(): Promise<void>;
}
