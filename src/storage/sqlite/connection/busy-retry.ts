import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Mutex } from '../../../util/mutex.ts';
import { StorageError } from '../../errors.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/** Longest wait for another writer that blocks the thread, in ms: most writers take less. */
export const blockMs = 10;
/** Delay between later tries, in ms. */
const pollMs = 3;

/** Waits for other writers of a file, without blocking the thread for long. */
export class BusyRetry {
  readonly #connection: SqliteConnection;
  readonly #blockMs: number;
  readonly #queue = new Mutex();
  #queued = 0;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#blockMs = Math.min(connection.busyTimeoutMs, blockMs);
    connection.setBlocking(this.#blockMs);
  }

  /** Does work that other calls need not wait for, such as reading. */
  run<T>(work: () => T): T | Promise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return this.#retry(work, this.#deadline());
    }
  }

  /** Does the work at once, or, after waiting for other writers, in the order of the calls. */
  runInOrder<T>(work: () => T): T | Promise<T> {
    if (this.#queued > 0) return this.#runLater(work);
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return this.#runLater(work);
    }
  }

  async #runLater<T>(work: () => T): Promise<T> {
    const deadline = this.#deadline();
    this.#queued += 1;
    if (this.#queued === 1) this.#connection.setBlocking(0);
    try {
      return await this.#queue.run(() => this.#retry(work, deadline));
    } finally {
      this.#queued -= 1;
      if (this.#queued === 0) this.#connection.setBlocking(this.#blockMs);
    }
  }

  async #retry<T>(work: () => T, deadline: number): Promise<T> {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw error;
      }
      await delay(pollMs);
    }
  }

  /** Time of the last try, by `performance.now()`, after a first try that has blocked. */
  #deadline(): number {
    return performance.now() + this.#connection.busyTimeoutMs - this.#blockMs;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'STORAGE_BUSY';
}
