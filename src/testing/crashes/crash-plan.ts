import { StorageError } from '../../storage/errors.ts';
import type { WriteLock } from '../../storage/recorder.ts';

/** When a process crashes: before a recording, in the middle of its transaction, or before the caller gets the answer. */
export type CrashMoment = 'before' | 'inside' | 'after';

/** The place of a crash. */
export interface CrashPoint {
  /** Number of the recording, counted from 1. */
  readonly recording: number;
  readonly moment: CrashMoment;
}

/** A crash that has happened. */
export interface Crash extends CrashPoint {
  /** Application that recorded. */
  readonly applicationName: string;
  /** What was to be recorded, such as "Order.Reserved, position 1 in 'reservations'". */
  readonly contents: string;
}

/** A call that writes. */
export interface Recording<T> {
  readonly applicationName: string;
  readonly contents: string;
  record(): Promise<T>;
  /** Begins the transaction and rolls it back. Rejects. A call without this method crashes before it. */
  breakOff?(): Promise<unknown>;
}

/** Counts the recordings of a storage, and ends it at one of them as the death of its process would. */
export class CrashPlan {
  readonly #point: CrashPoint | undefined;
  readonly #locks = new Set<WriteLock>();
  recordings = 0;
  crash: Crash | undefined;

  constructor(point: CrashPoint | undefined) {
    this.#point = point;
  }

  /** Makes a call that writes, or crashes. */
  async recording<T>({ applicationName, contents, record, breakOff }: Recording<T>): Promise<T> {
    this.assertAlive(applicationName);
    this.recordings += 1;
    const { recordings: recording } = this;
    if (recording !== this.#point?.recording) return await this.reading(applicationName, record());
    const { moment } = this.#point;
    try {
      if (moment === 'inside') await breakOff?.();
      if (moment === 'after') await record();
    } catch {
      // The caller does not get the outcome.
    }
    this.crash = { recording, moment, applicationName, contents };
    await Promise.allSettled(Array.from(this.#locks, (lock) => lock.release()));
    throw this.#refusal(applicationName);
  }

  /** Resolves with the result of a call, unless the process has crashed by then. */
  async reading<T>(applicationName: string, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } finally {
      this.assertAlive(applicationName);
    }
  }

  assertAlive(applicationName: string): void {
    if (this.crash !== undefined) throw this.#refusal(applicationName);
  }

  /** Notes a lock, which a crash releases. */
  locked(lock: WriteLock): void {
    this.#locks.add(lock);
  }

  unlocked(lock: WriteLock): void {
    this.#locks.delete(lock);
  }

  #refusal(applicationName: string): StorageError {
    const { recording, moment } = this.crash as Crash;
    return new StorageError(
      'STORAGE_CLOSED',
      applicationName,
      `Application '${applicationName}' cannot use its storage: its process has crashed ${moment} recording ${recording}, ` +
        'as crashingStorage() was asked to.',
    );
  }
}
