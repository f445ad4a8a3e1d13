import { setImmediate as nextTurn } from 'node:timers/promises';
import { StorageError } from '../../storage/errors.ts';
import type { Prompt } from '../../storage/prompt.ts';
import type { WriteLock } from '../../storage/recorder.ts';
import { errorOf, type PlannedFault, type Recording } from './faults.ts';
import { type RandomFaults, SeededFaults } from './seeded-faults.ts';

/** Which recordings of a storage meet faults. Plain data. */
export interface FaultPlan {
  readonly faults?: readonly PlannedFault[];
  /** Recordings that wait for some turns of the event loop, so that others come first. */
  readonly delays?: readonly { readonly recording: number; readonly turns: number }[];
  readonly random?: RandomFaults;
}

/** A fault that a recording has met. */
export interface MetFault extends PlannedFault {
  readonly applicationName: string;
  readonly contents: string;
}

/** What the thread that made a plan learns of the calls in this thread. */
export interface FaultListener {
  onFault?(met: MetFault, error: Error): void;
  onFailedRead?(applicationName: string): void;
  /** Called after each recording, whether or not the caller gets the answer. */
  onRecorded?(): void;
  /** Called when a log has grown, and the caller got the answer. */
  onGrown?(prompt: Prompt): void;
}

/** Creates a number that threads share: of recordings, or of the recording at which a process has crashed. */
export function newCount(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** Uses a storage as a process does that meets the faults of a plan. All its threads have the same counts. */
export class FaultyProcess {
  readonly #plan: FaultPlan;
  readonly #recordings: Int32Array;
  readonly #crashedAt: Int32Array;
  readonly #listener: FaultListener;
  readonly #seeded: SeededFaults | undefined;
  readonly #locks = new Set<WriteLock>();

  constructor(
    plan: FaultPlan,
    recordings: SharedArrayBuffer,
    crashedAt: SharedArrayBuffer,
    listener: FaultListener = {},
  ) {
    this.#plan = plan;
    this.#recordings = new Int32Array(recordings);
    this.#crashedAt = new Int32Array(crashedAt);
    this.#listener = listener;
    this.#seeded = plan.random && new SeededFaults(plan.random);
  }

  /** Number of the recording at which the process has crashed; 0 if it has not. */
  get crashedAt(): number {
    return Atomics.load(this.#crashedAt, 0);
  }

  /** Makes a call that writes, with the fault of the plan. */
  async recording<T>(call: Recording<T>): Promise<T> {
    const { applicationName, contents } = call;
    this.assertAlive(applicationName);
    const recording = Atomics.add(this.#recordings, 0, 1) + 1;
    for (const delay of this.#plan.delays ?? [])
      if (delay.recording === recording) for (let turn = 0; turn < delay.turns; turn += 1) await nextTurn();
    this.assertAlive(applicationName);
    const planned = this.#planned(recording, applicationName);
    if (planned === undefined) {
      try {
        return await call.record();
      } finally {
        this.#recorded();
        this.assertAlive(applicationName);
      }
    }
    const { fault, moment } = planned;
    try {
      if (moment === 'inside') await call.breakOff?.();
      if (moment === 'after') await call.record();
    } catch {
      // The caller does not get the outcome.
    }
    if (fault === 'crash') Atomics.store(this.#crashedAt, 0, recording);
    const error = fault === 'crash' ? this.#closed(applicationName) : errorOf(fault, call);
    this.#listener.onFault?.({ recording, moment, fault, applicationName, contents }, error);
    this.#recorded();
    if (fault === 'crash') await Promise.allSettled(Array.from(this.#locks, (lock) => lock.release()));
    throw error;
  }

  /** Lets seeded faults begin, with the first recording of events or a position. */
  begin(): void {
    this.#seeded?.begin();
  }

  /** Resolves with the result of a read, unless the read fails, or the process has crashed by then. */
  async reading<T>(applicationName: string, result: Promise<T>): Promise<T> {
    try {
      const value = await result;
      if (this.#seeded?.failsRead(applicationName)) throw this.#failedRead(applicationName);
      return value;
    } finally {
      this.assertAlive(applicationName);
    }
  }

  assertAlive(applicationName: string): void {
    if (this.crashedAt > 0) throw this.#closed(applicationName);
  }

  /** Notes a lock, which a crash releases. */
  locked(lock: WriteLock): void {
    this.#locks.add(lock);
  }

  unlocked(lock: WriteLock): void {
    this.#locks.delete(lock);
  }

  grown(prompt: Prompt): void {
    this.#listener.onGrown?.(prompt);
  }

  #planned(recording: number, applicationName: string): Omit<PlannedFault, 'recording'> | undefined {
    return (
      this.#plan.faults?.find((one) => one.recording === recording) ??
      this.#seeded?.recording(applicationName)
    );
  }

  #recorded(): void {
    Atomics.notify(this.#recordings, 0);
    this.#listener.onRecorded?.();
  }

  #failedRead(applicationName: string): StorageError {
    this.#listener.onFailedRead?.(applicationName);
    const message = `A read of application '${applicationName}' fails, as planned.`;
    return new StorageError('STORAGE_UNREACHABLE', applicationName, message);
  }

  #closed(applicationName: string): StorageError {
    const recording = this.crashedAt;
    const moment = this.#plan.faults?.find((one) => one.recording === recording)?.moment;
    return new StorageError(
      'STORAGE_CLOSED',
      applicationName,
      `Application '${applicationName}' cannot use its storage: its process has crashed ${moment} recording ${recording}, as ` +
        'planned.',
    );
  }
}
