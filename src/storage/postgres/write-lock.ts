import { type RowsError, StorageError } from '../errors.ts';
import type { ProcessEvent, WriteLock } from '../recorder.ts';
import { RowsGuard } from '../sql/rows-guard.ts';
import type { Appender } from './appending/appender.ts';
import { Batch } from './appending/batch.ts';
import type { OpenTransaction } from './connection/connections.ts';
import { sqlState } from './errors.ts';
import { GuardedClient } from './rows/guarded-client.ts';
import type { PostgresRows } from './rows/postgres-rows.ts';
import type { ApplicationTables } from './tables.ts';

/** Parts of a write lock of PostgreSQL. */
export interface PostgresWriteLockParts {
  /** Transaction that makes others wait. */
  readonly transaction: OpenTransaction;
  readonly tables: ApplicationTables;
  readonly appender: Appender;
  /** Records after the lock was released. */
  readonly recordUnlocked: WriteLock['record'];
  /** Called when the lock is no longer held. */
  ended(): void;
  /** Lets other calls of the recorder proceed. */
  free(): void;
}

/** Holds an open transaction, until it records or is released. */
export class PostgresWriteLock implements WriteLock {
  readonly #parts: PostgresWriteLockParts;
  readonly #guard: RowsGuard;
  #handle: PostgresRows | undefined;
  #isHeld = true;

  constructor(parts: PostgresWriteLockParts) {
    this.#parts = parts;
    this.#guard = new RowsGuard(parts.tables.applicationName);
  }

  get handle(): PostgresRows {
    const { transaction, tables } = this.#parts;
    this.#guard.isUsed = true;
    this.#handle ??= new GuardedClient(transaction, this.#guard, tables);
    return this.#handle;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const { appender, transaction, recordUnlocked, free } = this.#parts;
    if (!this.#isHeld) {
      this.#guard.assertNoneLost();
      return recordUnlocked(pipelineId, processEvents);
    }
    const batch = new Batch(pipelineId, processEvents);
    this.#end();
    try {
      return await appender.appendIn(transaction, batch);
    } catch (error) {
      throw this.#guard.isUsed && isOfAborted(error) ? this.#guard.rolledBack() : error;
    } finally {
      free();
    }
  }

  async release(reason?: RowsError): Promise<void> {
    if (!this.#isHeld) return;
    this.#end(reason);
    await this.#parts.transaction.rollBack().finally(this.#parts.free);
  }

  #end(reason?: RowsError): void {
    this.#isHeld = false;
    this.#guard.end(reason);
    this.#parts.ended();
  }
}

/** Whether a statement of the transaction has failed before, so that the server ignores further statements. */
function isOfAborted(error: unknown): boolean {
  return error instanceof StorageError && sqlState(error.cause ?? {}) === '25P02';
}
