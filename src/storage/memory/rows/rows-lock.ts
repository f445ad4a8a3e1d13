import type { DatabaseSync } from 'node:sqlite';
import type { RowsError } from '../../errors.ts';
import type { ProcessEvent, WriteLock } from '../../recorder.ts';
import { RowsGuard } from '../../sql/rows-guard.ts';
import { commit } from '../../sqlite/connection/transaction.ts';
import { explained } from '../../sqlite/errors.ts';
import { guardedDatabase } from '../../sqlite/rows/guarded-database.ts';
import { memoryLocation } from '../errors.ts';
import type { MemoryLock } from '../shared/sharable-memory.ts';
import type { RowsTurn } from './memory-rows.ts';

/** The write lock of an application that records rows, which are committed together with what is recorded in memory. */
export class RowsLock implements WriteLock {
  readonly #lock: MemoryLock;
  readonly #turn: RowsTurn;
  readonly #guard: RowsGuard;
  #database: DatabaseSync | undefined;
  #handle: DatabaseSync | undefined;
  #isHeld = true;

  constructor(applicationName: string, lock: MemoryLock, turn: RowsTurn) {
    this.#lock = lock;
    this.#turn = turn;
    this.#guard = new RowsGuard(applicationName);
  }

  get handle(): DatabaseSync {
    this.#guard.assertOpen();
    this.#database ??= this.#turn.begin();
    this.#handle ??= guardedDatabase({ database: this.#database, guard: this.#guard });
    return this.#handle;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (!this.#isHeld) this.#guard.assertNoneLost();
    this.#guard.end();
    try {
      const database = this.#database;
      if (database === undefined) return await this.#lock.record(pipelineId, processEvents);
      if (!database.isTransaction) throw this.#guard.rolledBack();
      return await this.#lock.record(pipelineId, processEvents, () => this.#commit(database));
    } finally {
      await this.#end();
    }
  }

  async release(reason?: RowsError): Promise<void> {
    this.#guard.end(reason);
    await this.#end();
  }

  #commit(database: DatabaseSync): void {
    try {
      commit(database);
    } catch (error) {
      throw explained(error, memoryLocation(this.#guard.applicationName), 'recording');
    }
  }

  async #end(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#turn.end();
    await this.#lock.release();
  }
}
