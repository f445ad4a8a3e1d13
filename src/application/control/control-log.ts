import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';
import { unlessAborted } from '../../util/abort.ts';
import { Repetitions } from '../replaying/repetitions.ts';
import { isOperation } from './operation-kinds.ts';
import { OperationReader } from './operation-reader.ts';

/** A pause of an application. */
export interface Pause {
  /** Who paused the application. */
  readonly by: string;
  /** Why the application is paused. */
  readonly reason: string;
  /** When it was paused, in ms since 1970. */
  readonly since: number;
}

/** Time between two reads of the operations of an application, in ms. */
const intervalMs = 1_000;

/**
 * What people did to an application, as far as its followers obey it: reads the operations about once a second while
 * something watches them. All pipelines of an application in a thread share it.
 */
export class ControlLog {
  static readonly #logs = new WeakMap<Recorder, ControlLog>();
  readonly #reader: OperationReader;
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #readAt = -Infinity;
  /** Id of the last operation that the watchers were told of; -1 before the first read. */
  #announcedId = -1;
  #lastResumeId = 0;
  #lastRetryId = 0;
  #lastFailureId = 0;
  #restores = 0;
  /** Whether the log was restored, and the watchers do not know yet. */
  #isRestored = false;
  #pause: Pause | undefined;
  /** The resets and replays of the application. */
  readonly repetitions: Repetitions = new Repetitions();

  private constructor(recorder: Recorder) {
    this.#reader = new OperationReader(recorder, {
      apply: (operation) => this.#apply(operation),
      restored: () => this.#restored(),
    });
  }

  /** Returns the control log of an application, by its recorder. */
  static of(recorder: Recorder): ControlLog {
    const control = ControlLog.#logs.get(recorder) ?? new ControlLog(recorder);
    ControlLog.#logs.set(recorder, control);
    return control;
  }

  /** The pause in effect, if any. The first one counts until the application is resumed. */
  get pause(): Pause | undefined {
    return this.#pause;
  }

  /** Whether the operations were read, and the application is not paused. */
  get isFree(): boolean {
    return this.#pause === undefined && this.#readAt > -Infinity;
  }

  /** Id of the last operation that was read. */
  get lastId(): number {
    return this.#reader.lastId;
  }

  /** Id of the last operation after which parked notifications may be due; 0 if there is none. */
  get lastRetryId(): number {
    return this.#lastRetryId;
  }

  /** Number of times that an older copy of the log was restored: whatever was known of the application may be wrong. */
  get restores(): number {
    return this.#restores;
  }

  /** Whether the application was resumed after an operation. After a restore, what has failed may work, too. */
  isResumedSince(id: number): boolean {
    return this.#lastResumeId > id || this.lastId < id || this.#isRestored;
  }

  /** Whether it is on record that the application has failed, on any host, since it was last resumed. */
  get hasFailed(): boolean {
    return this.#lastFailureId > this.#lastResumeId;
  }

  /** Reads the operations that were recorded before the call. */
  async refresh(): Promise<void> {
    this.#isReading = true;
    try {
      await this.#reader.read();
    } finally {
      this.#isReading = false;
    }
    this.#readAt = performance.now();
    this.#keepAlive();
    if (this.lastId === this.#announcedId) return;
    this.#announcedId = this.lastId;
    for (const changed of [...this.#watchers]) changed();
    this.#isRestored = false;
  }

  /** Reads the operations, unless they were read within the last second. */
  refreshIfDue(now: number = performance.now()): Promise<void> | undefined {
    return now - this.#readAt < intervalMs ? undefined : this.refresh();
  }

  /** Reads the operations about once a second, and calls the listener after new ones, until the signal is aborted. */
  watch(changed: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#watchers.add(changed);
    this.#timer ??= setInterval(() => this.#poll(), intervalMs);
    this.#keepAlive();
    signal.addEventListener('abort', () => this.#unwatch(changed), { once: true });
  }

  /**
   * Resolves when the application is resumed after operation `id`; see {@link isResumedSince}.
   *
   * @throws the reason of the signal if that is aborted.
   */
  async resumedAfter(id: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onResumedAfter(id, signal, resolve);
    await unlessAborted(promise, signal);
  }

  /**
   * Calls the listener once when the application is resumed after operation `id`, before {@link refresh} resolves that
   * has read so. Never calls it after the signal is aborted.
   */
  onResumedAfter(id: number, signal: AbortSignal, resumed: () => void): void {
    const over = new AbortController();
    let isCurrent = false; // what is known may be older than the operation: that is no restore
    const look = () => {
      if (!isCurrent && this.lastId < id) return;
      if (over.signal.aborted || signal.aborted || !this.isResumedSince(id)) return;
      over.abort();
      resumed();
    };
    this.watch(look, AbortSignal.any([signal, over.signal]));
    look();
    this.refresh().then(
      () => {
        isCurrent = true;
        look();
      },
      () => {
        isCurrent = true; // from the next read on
      },
    );
  }

  /**
   * Resolves when a condition on this log holds.
   *
   * @throws the reason of the signal if that is aborted.
   */
  async until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = new AbortController();
    const look = () => {
      if (holds()) resolve();
    };
    this.watch(look, over.signal);
    look();
    await unlessAborted(promise, signal).finally(() => over.abort());
  }

  #unwatch(changed: () => void): void {
    this.#watchers.delete(changed);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Lets the timer keep the process alive during a pause only: nothing else may do so for the callers that wait. */
  #keepAlive(): void {
    if (this.#pause === undefined) this.#timer?.unref();
    else this.#timer?.ref();
  }

  /** Reads the operations. After an error, the next call reads them. */
  #poll(): void {
    if (this.#isReading) return;
    this.refresh().catch(() => {});
  }

  #apply(operation: RecordedOperation): void {
    const { id, by, reason, timestamp } = operation;
    this.repetitions.apply(operation);
    if (isOperation(operation, 'pause')) this.#pause ??= { by, reason, since: timestamp };
    if (isOperation(operation, 'retry', 'discard')) this.#lastRetryId = id;
    if (isOperation(operation, 'failed')) this.#lastFailureId = id;
    if (!isOperation(operation, 'resume')) return;
    this.#pause = undefined;
    this.#lastResumeId = id;
  }

  /** Forgets everything, because an older copy of the log was restored. */
  #restored(): void {
    this.#restores += 1;
    this.#isRestored = true;
    this.#announcedId = -1;
    this.#lastResumeId = 0;
    this.#lastRetryId = 0;
    this.#lastFailureId = 0;
    this.#pause = undefined;
    this.repetitions.clear();
  }
}
