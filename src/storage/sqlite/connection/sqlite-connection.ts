import { statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { KahnError } from '../../../util/errors.ts';
import type { Activity } from '../../sql/driver-error.ts';
import { needsSetUp } from '../../sql/table-version.ts';
import { recorderClosed, storageError } from '../../storage-location.ts';
import { explained, ruleOf } from '../errors.ts';
import type { DatabaseFile } from '../file.ts';
import { isBlank, versionsIn } from '../file-header.ts';
import type { SqliteSettings } from '../options.ts';
import { prepare, type Statements, sql } from '../statements.ts';
import { DatabaseSync } from './driver.ts';

/** Interval at which a connection checks that its file was not moved or replaced, in ms. */
const checkIntervalMs = 1_000;

/** An open database and its prepared statements. */
interface Opened {
  readonly database: DatabaseSync;
  readonly statements: Statements;
  /** Device and inode of the file. */
  readonly identity: string | undefined;
}

/** An open file. After an error of the disk, or when the file was moved or replaced, it is opened again. */
export class SqliteConnection {
  readonly file: DatabaseFile;
  readonly #settings: Pick<SqliteSettings, 'busyTimeoutMs' | 'synchronous'>;
  #opened: Opened | undefined;
  #blockingMs = 0;
  #checkedAt = performance.now();
  #isClosed = false;

  /** Takes over an open database that has the tables; `close()` closes it. */
  constructor(
    file: DatabaseFile,
    database: DatabaseSync,
    settings: Pick<SqliteSettings, 'busyTimeoutMs' | 'synchronous'>,
  ) {
    this.file = file;
    this.#settings = settings;
    this.#opened = opened(file, database);
  }

  /** Longest wait for other users of the file, in ms. */
  get busyTimeoutMs(): number {
    return this.#settings.busyTimeoutMs;
  }

  /** Sets the longest wait that blocks the thread, in ms. */
  setBlocking(ms: number): void {
    this.#blockingMs = ms;
    if (this.#opened?.database.isOpen) this.#opened.database.exec(sql.busyTimeout(ms));
  }

  /**
   * Does work with the database, which it opens again if necessary.
   *
   * @throws {@link StorageError} in place of an error of SQLite.
   */
  use<T>(activity: Activity, work: (statements: Statements) => T): T {
    if (this.#isClosed) throw recorderClosed(this.file);
    try {
      this.#checkInPlace();
      this.#opened ??= this.#reopen();
      return work(this.#opened.statements);
    } catch (error) {
      if (!(error instanceof KahnError) && ruleOf(error).connection === 'replaced') this.#drop();
      throw explained(error, this.file, activity);
    }
  }

  /** The open database, while it is in use. */
  get opened(): Opened {
    return this.#opened as Opened;
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  /** Drops the connection to a file that is no longer at its path, where it would lose what is recorded. */
  #checkInPlace(): void {
    const now = performance.now();
    if (now - this.#checkedAt < checkIntervalMs) return;
    this.#checkedAt = now;
    if (this.#opened !== undefined && this.#opened.identity !== identityOf(this.file)) this.#drop();
  }

  #reopen(): Opened {
    const { file } = this;
    const { synchronous } = this.#settings;
    if (isBlank(file)) {
      const reason = `the file is gone or empty. Mount its disk or restore it; it is opened again then.`;
      throw storageError('STORAGE_MISSING', file, reason);
    }
    const database = new DatabaseSync(file.path, { timeout: this.#blockingMs });
    try {
      needsSetUp(versionsIn(database), false, file);
      database.prepare(sql.walMode).get();
      database.exec(sql.synchronous[synchronous]);
      return opened(file, database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #drop(): void {
    const { database } = this.#opened ?? {};
    this.#opened = undefined;
    try {
      if (database?.isOpen) database.close();
    } catch {
      // The file is closed in any case.
    }
  }
}

function opened(file: DatabaseFile, database: DatabaseSync): Opened {
  return { database, statements: prepare(database), identity: identityOf(file) };
}

function identityOf({ path }: DatabaseFile): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev} ${stats.ino}`;
}
