import { statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { KahnError } from '../../../util/errors.ts';
import type { Activity } from '../../sql/driver-error.ts';
import { storageError } from '../../storage-location.ts';
import { explained, ruleOf } from '../errors.ts';
import type { DatabaseFile, LayoutFile } from '../layout/file.ts';
import { isBlank, markOpened } from '../layout/file-header.ts';
import type { SqliteSettings } from '../options.ts';
import { sql } from '../statements.ts';
import { DatabaseSync } from './driver.ts';

/** Interval at which a connection checks that its file was not moved or replaced, in ms. */
const checkIntervalMs = 1_000;

/** Settings of a connection. */
export type ConnectionSettings = Pick<SqliteSettings, 'busyTimeoutMs' | 'synchronous'>;

/** An open database. */
interface Opened {
  readonly database: DatabaseSync;
  /** Device and inode of the file. */
  readonly identity: string | undefined;
}

/** An open file. After an error of the disk, or when the file was moved or replaced, it is opened again. */
export class SqliteConnection {
  readonly #path: string;
  readonly #settings: ConnectionSettings;
  #opened: Opened | undefined;
  #blockingMs = 0;
  #checkedAt = performance.now();

  /** Takes over an open database; `close()` closes it. */
  constructor(path: string, database: DatabaseSync, settings: ConnectionSettings) {
    this.#path = path;
    this.#settings = settings;
    this.#opened = { database, identity: this.#identity() };
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

  /** Returns the database, which is opened again if necessary. `file` names the application that uses it. */
  databaseFor(file: DatabaseFile): DatabaseSync {
    this.#checkInPlace();
    this.#opened ??= this.#reopen(file);
    return this.#opened.database;
  }

  /** Returns the error for a failed use of the database. Closes the database if it should not be used again. */
  failure(error: unknown, file: DatabaseFile, activity: Activity): KahnError {
    if (!(error instanceof KahnError) && ruleOf(error).connection === 'replaced') this.close();
    return explained(error, file, activity);
  }

  close(): void {
    const { database } = this.#opened ?? {};
    this.#opened = undefined;
    try {
      if (database?.isOpen) database.close();
    } catch {
      // The file is closed in any case.
    }
  }

  /** Drops the connection to a file that is no longer at its path, where it would lose what is recorded. */
  #checkInPlace(): void {
    const now = performance.now();
    if (now - this.#checkedAt < checkIntervalMs) return;
    this.#checkedAt = now;
    if (this.#opened !== undefined && this.#opened.identity !== this.#identity()) this.close();
  }

  #reopen(file: LayoutFile): Opened {
    if (isBlank(file)) {
      const reason = `the file is gone or empty. Mount its disk or restore it; it is opened again then.`;
      throw storageError('STORAGE_MISSING', file, reason);
    }
    const database = new DatabaseSync(this.#path, { timeout: this.#blockingMs });
    try {
      markOpened(database);
      database.prepare(sql.walMode).get();
      database.exec(sql.synchronous[this.#settings.synchronous]);
      return { database, identity: this.#identity() };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #identity(): string | undefined {
    return identityOf(this.#path);
  }
}

/** Returns the device and the inode of a file; undefined if there is no file. */
export function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev} ${stats.ino}`;
}
