import { performance } from 'node:perf_hooks';
import { AggregateDiscardedError } from '../../domain/errors.ts';
import { RecordConflictError, StorageError } from '../../storage/errors.ts';
import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import { mayReachSize } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { backOff, retry } from '../../util/retry.ts';
import { asOtherVersion, isTransientFailure } from '../failures.ts';
import {
  type BlockingError,
  CausalDependencyError,
  OtherVersionError,
  PolicyError,
} from '../following-errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { BoundedLock } from '../recording/bounded-lock.ts';
import { BatchProcessor, type BatchProcessorOptions } from './batch-processor.ts';
import type { CausalGate, WaitingNotification } from './causal-gate.ts';
import { LostRaces } from './lost-races.ts';
import { type BarredNotification, TypeGate } from './type-gate.ts';
import { UpstreamCursor } from './upstream-cursor.ts';

/** Most tries of a batch while no writer makes progress. */
const maxTries = 10;
const backoff = { firstMs: 2, maxMs: 100 };
/** A call that waited longer than this for its storage is not retried. */
const longestRetriedMs = 2_000;

export interface FollowerOptions extends BatchProcessorOptions {
  /** Log of the upstream. */
  readonly log: NotificationLog;
  /** Gate that the upstreams of the application share. */
  readonly gate: CausalGate;
}

/** Follows one upstream: reads its log in batches, and processes each batch exactly once. */
export class Follower {
  readonly #applicationName: string;
  readonly #pipelineId: number;
  readonly #cursor: UpstreamCursor;
  readonly #gate: CausalGate;
  readonly #types: TypeGate;
  readonly #processor: BatchProcessor;
  readonly #recorder: Recorder;
  readonly #races: LostRaces;
  #isAtEnd = false;

  constructor({ log, gate, ...options }: FollowerOptions) {
    const { store } = options;
    this.#applicationName = store.applicationName;
    this.#pipelineId = store.pipelineId;
    this.#types = new TypeGate(options.policy, log.emits);
    this.#cursor = new UpstreamCursor(store, log, this.#types);
    this.#gate = gate;
    gate.add(this.#cursor);
    this.#processor = new BatchProcessor(options, this.#cursor);
    this.#recorder = store.recorder;
    this.#races = new LostRaces(log.applicationName);
  }

  get upstreamName(): string {
    return this.#cursor.upstreamName;
  }

  /** Id of the last notification that is handled or ignored. */
  get seen(): number {
    return this.#cursor.seen;
  }

  /** Whether notifications were ignored since the position was last recorded. */
  get isAhead(): boolean {
    return this.#cursor.isAhead;
  }

  /** Whether the last pull reached the end of the log, or `upTo`. A prompt announces that the log has grown. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * Processes a batch of notifications, none after `upTo`. Resolves with the number of notifications, 0 at the end of
   * the log or at `upTo`, or with an error if the next notification waits for another log or another version.
   *
   * @param signal Aborted when other writers must no longer wait for this batch.
   * @throws {@link PolicyError} for the first notification that cannot be processed; all before it are recorded.
   */
  async pull(upTo: number = Infinity, signal?: AbortSignal): Promise<number | BlockingError> {
    const cursor = this.#cursor;
    if (!cursor.isLocated) await this.#patiently(() => cursor.locate());
    const from = cursor.seen;
    let found = await this.#pullBatch(upTo, signal);
    // After a failure, ignored notifications whose position was not recorded are read again.
    while (found === true && cursor.seen <= from) found = await this.#pullBatch(upTo, signal);
    // If another runner has moved the position meanwhile, the caller looks again at what waits for which cause.
    const isOutdated = found instanceof CausalDependencyError && cursor.seen > from;
    return typeof found === 'boolean' || isOutdated ? cursor.seen - from : found;
  }

  /** Compares the last notification that is done with the log; see {@link UpstreamCursor.compare}. */
  compare(): Promise<void> {
    return this.#cursor.compare();
  }

  /** Reads the position behind the last notification that is done; see {@link UpstreamCursor.donePosition}. */
  donePosition(): Promise<RecordedPosition> {
    return this.#cursor.donePosition();
  }

  /** Makes the next pull read the storage of the log; see {@link UpstreamCursor.compareNext}. */
  compareNext(): void {
    this.#cursor.compareNext();
  }

  /** Reads the recorded position, and records the types that the policy handles, unless that is done. */
  async locate(): Promise<void> {
    if (!this.#cursor.isLocated) await this.#cursor.locate();
  }

  /**
   * Records the position if notifications were ignored since it was last recorded. If another runner has moved the
   * position, or another version handles such notifications, it reads the position instead.
   */
  async flush(): Promise<void> {
    const cursor = this.#cursor;
    if (!cursor.isAhead) return;
    await this.#patiently(() => this.#processor.recordPosition());
    if (!cursor.isLocated) await cursor.locate();
  }

  /** Repeats work while its storage is busy. */
  async #patiently(work: () => Promise<void>): Promise<void> {
    let started = 0;
    const timed = () => {
      started = performance.now();
      return work();
    };
    const isTransient = (error: unknown) => isTransientFailure(error) && !isSpent(error, started);
    await retry(timed, { backoff, maxTries, isTransient });
  }

  /**
   * Repeats a batch that lost a race or found its storage busy, as long as this or another writer makes progress. After
   * several lost races, makes other writers wait.
   * `retry` does not fit: the number of tries starts again with each progress.
   */
  async #pullBatch(upTo: number, signal: AbortSignal | undefined): Promise<boolean | BlockingError> {
    const cursor = this.#cursor;
    for (let tries = 1; ; tries += 1) {
      const from = cursor.seen;
      const started = performance.now();
      let lock: BoundedLock | undefined;
      try {
        if (this.#races.needsLock) lock = await BoundedLock.take(this.#recorder, signal);
        const found = await this.#pullOnce(upTo, lock);
        this.#races.won(lock !== undefined);
        return found;
      } catch (error) {
        cursor.forget();
        const otherVersion = asOtherVersion(error);
        this.#isAtEnd = false;
        if (otherVersion !== undefined) return otherVersion;
        if (!isRepeatable(error) || isSpent(error, started)) throw error;
        const conflict = conflictIn(error);
        if (conflict !== undefined && lock?.hasExcluded) throw error; // it is no race
        if (conflict !== undefined && this.#races.isOfUsedId(conflict)) throw error;
        const lost = conflict && this.#races.lost(conflict);
        if (tries === maxTries) throw lost ?? error;
      } finally {
        await lock?.release().catch(() => {}); // the transaction ends with its connection
      }
      await backOff(tries, backoff);
      await cursor.locate();
      if (cursor.seen > from) tries = 0;
    }
  }

  /**
   * Reads a batch, lets it through the gates, runs the policy, and records. Returns whether there was a batch, or an
   * error if none of it may be processed yet. Under the write lock, the batch is a single notification.
   */
  async #pullOnce(upTo: number, lock: BoundedLock | undefined): Promise<boolean | BlockingError> {
    const cursor = this.#cursor;
    if (lock !== undefined) cursor.forget(); // another runner may have moved the position
    if (!cursor.isLocated) await cursor.locate();
    const notifications = await this.#read(lock === undefined ? upTo : Math.min(upTo, cursor.seen + 1));
    const last = notifications.at(-1);
    if (last === undefined) return false;
    if (lock !== undefined) this.#isAtEnd = false;
    const waiting = this.#gate.passes(notifications)
      ? undefined
      : await this.#gate.firstWaiting(this.upstreamName, notifications);
    if (waiting?.index === 0) return await this.#waitFor(waiting);
    const free = waiting === undefined ? notifications : notifications.slice(0, waiting.index);
    const barred = this.#types.firstBarred(free);
    if (barred?.index === 0) return await this.#leave(barred);
    const processing = this.#processor.process(
      barred === undefined ? free : free.slice(0, barred.index),
      lock,
    );
    if (processing !== undefined) await processing;
    if (cursor.seen < last.id) this.#isAtEnd = false;
    return true;
  }

  async #read(upTo: number): Promise<readonly StoredNotification[]> {
    const { batchSize } = this.#processor;
    const limit = Math.min(batchSize, upTo - this.#cursor.seen);
    this.#isAtEnd = limit <= 0;
    if (this.#isAtEnd) return [];
    const { hasRest } = this.#cursor;
    const notifications = await this.#cursor.read(limit);
    // An application that follows itself extends the log while it processes the batch.
    const isGrowing = this.#cursor.upstreamName === this.#applicationName && notifications.length > 0;
    const isFull = notifications.length >= batchSize || mayReachSize(notifications, memoryBounds.page);
    this.#isAtEnd = !isFull && !isGrowing && !hasRest && !this.#cursor.mayContinue;
    return notifications;
  }

  /** Returns the error for the next notification, which waits. */
  async #waitFor({ notification, dependency }: WaitingNotification): Promise<CausalDependencyError> {
    this.#isAtEnd = false;
    // The other pipeline may wait for this position, even if all notifications before it were ignored.
    if (dependency.pipelineId !== this.#pipelineId) await this.flush();
    return new CausalDependencyError(this.#placeOf(notification), dependency);
  }

  /** Returns the error for the next notification, which another version of the application has to process. */
  async #leave({ notification, reason }: BarredNotification): Promise<OtherVersionError> {
    this.#isAtEnd = false;
    await this.flush(); // the other version starts behind the ignored notifications
    this.#cursor.forget(); // and moves the position
    const eventType = notification.type;
    return new OtherVersionError({ ...this.#placeOf(notification), eventType }, reason);
  }

  #placeOf({ id: notificationId }: StoredNotification) {
    const applicationName = this.#applicationName;
    return { applicationName, upstreamName: this.upstreamName, pipelineId: this.#pipelineId, notificationId };
  }
}

/** Whether another try may succeed: the storage is busy or unavailable, or another writer recorded first. */
function isRepeatable(error: unknown): boolean {
  return isTransientFailure(error) || conflictIn(error) !== undefined;
}

/** Returns the conflict on which a policy failed, if any: also with an aggregate that was made and discarded meanwhile. */
function conflictIn(error: unknown): RecordConflictError | undefined {
  const reason = error instanceof PolicyError ? error.cause : error;
  const cause = reason instanceof AggregateDiscardedError ? reason.cause : reason;
  return cause instanceof RecordConflictError ? cause : undefined;
}

/** Whether further tries at once make no sense: the trouble is no short one, or the storage has waited long already. */
function isSpent(error: unknown, started: number): boolean {
  const cause = error instanceof PolicyError ? error.cause : error;
  if (!(cause instanceof StorageError)) return false;
  return cause.code !== 'STORAGE_BUSY' || performance.now() - started > longestRetriedMs;
}
