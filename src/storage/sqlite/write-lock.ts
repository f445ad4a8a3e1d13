import type { DatabaseSync } from 'node:sqlite';
import type { RowsError, StorageError } from '../errors.ts';
import type { ProcessEvent, WriteLock } from '../recorder.ts';
import { RowsGuard } from '../sql/rows-guard.ts';
import { storageError } from '../storage-location.ts';
import { Refusal } from './connection/refusal.ts';
import { isOfEnvironment } from './errors.ts';
import type { DatabaseFile } from './layout/file.ts';
import type { ApplicationSession, RowWriter } from './row-writer.ts';
import { guardedDatabase } from './rows/guarded-database.ts';

/** Holds the transaction that is open in a file, until it records or is released. */
export class SqliteWriteLock implements WriteLock {
  readonly #session: ApplicationSession;
  readonly #writer: RowWriter;
  readonly #recordUnlocked: WriteLock['record'];
  readonly #guard: RowsGuard;
  #handle: DatabaseSync | undefined;

  /** @param recordUnlocked Records after the lock was released. */
  constructor(session: ApplicationSession, writer: RowWriter, recordUnlocked: WriteLock['record']) {
    this.#session = session;
    this.#writer = writer;
    this.#recordUnlocked = recordUnlocked;
    this.#guard = new RowsGuard(session.file.applicationName);
  }

  /** Begins the transaction, when there is no other writer. */
  async begin(): Promise<void> {
    await this.#session.whenFree(() => this.#session.held.begin(this, this.#session.database));
  }

  get handle(): DatabaseSync {
    this.#handle ??= this.#openHandle();
    return this.#handle;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const { held } = this.#session;
    if (!held.isHeldBy(this)) {
      this.#guard.assertNoneLost();
      return this.#recordUnlocked(pipelineId, processEvents);
    }
    this.#guard.end();
    try {
      return this.#session.use('recording', () => this.#recordHeld(pipelineId, processEvents));
    } finally {
      held.end(this); // if the file could not be opened again
    }
  }

  async release(reason?: RowsError): Promise<void> {
    this.#guard.end(reason);
    this.#session.held.end(this);
  }

  #recordHeld(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    const { held, database, file } = this.#session;
    try {
      if (!held.isIn(database)) throw lockLost(file);
      if (this.#guard.isUsed && !database.isTransaction) throw this.#guard.rolledBack();
      const head = this.#writer.write(pipelineId, processEvents);
      held.commit(database);
      return head;
    } catch (error) {
      held.end(this);
      throw error instanceof Refusal ? error.explain() : error;
    }
  }

  #openHandle(): DatabaseSync {
    const { held, database, file } = this.#session;
    return guardedDatabase({
      database,
      guard: this.#guard,
      assertHeld: () => {
        if (!database.isOpen || !held.isHeldBy(this) || !held.isIn(database)) throw lockLost(file);
      },
      failure: (error) => (isOfEnvironment(error) ? this.#session.failure(error, 'recording') : error),
    });
  }
}

function lockLost(file: DatabaseFile): StorageError {
  return storageError(
    'STORAGE_BUSY',
    file,
    'its write lock ended when the file was opened again. Try again.',
  );
}
