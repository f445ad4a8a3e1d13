import { mayReachSize } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import type { FollowerFailures } from '../error-rules/failure-handling.ts';
import { type BlockingError, dependencyWithin, OtherVersionError } from '../following-errors.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { BoundedLock } from '../recording/bounded-lock.ts';
import type { BatchProcessor } from './batches/batch-processor.ts';
import type { Gates, Passing, WaitingError } from './gates.ts';
import type { Found } from './tries/batch-retries.ts';
import { patiently } from './tries/failed-tries.ts';
import type { UpstreamCursor } from './upstream-cursor.ts';
import type { UpstreamLog } from './upstream-log.ts';

export interface NextBatchOptions {
  readonly log: UpstreamLog;
  readonly cursor: UpstreamCursor;
  readonly gates: Gates;
  readonly processor: BatchProcessor;
  /** Decides what is parked; undefined if nothing is. */
  readonly failures: FollowerFailures | undefined;
  /** Whether the application follows its own log, which grows while it processes a batch. */
  readonly isOwnLog: boolean;
}

/** The batch that a follower processes next: is read behind its position, passes the gates, and is recorded. */
export class NextBatch {
  readonly #log: UpstreamLog;
  readonly #cursor: UpstreamCursor;
  readonly #gates: Gates;
  readonly #processor: BatchProcessor;
  readonly #failures: FollowerFailures | undefined;
  readonly #isOwnLog: boolean;
  /** Whether the last batch reached the end of the log, or `upTo`. */
  isAtEnd = false;

  constructor({ log, cursor, gates, processor, failures, isOwnLog }: NextBatchOptions) {
    this.#log = log;
    this.#cursor = cursor;
    this.#gates = gates;
    this.#processor = processor;
    this.#failures = failures;
    this.#isOwnLog = isOwnLog;
  }

  /**
   * Tries to process the batch. Returns whether there was one, or an error if none of it may be processed yet. Returns no
   * promise if nothing is read or recorded.
   *
   * @param lock Write lock under which the batch is recorded. It is a single notification then.
   */
  process(upTo: number, lock?: BoundedLock): Found | Promise<Found> {
    const cursor = this.#cursor;
    const last = Math.min(upTo, cursor.repeatedUpTo || Infinity);
    const limit = Math.min(lock === undefined ? this.#processor.batchSize : 1, last - cursor.seen);
    this.isAtEnd = limit <= 0;
    if (this.isAtEnd) return false;
    const { hasRest } = cursor;
    const read = cursor.read(limit);
    return read instanceof Promise
      ? read.then((late) => this.#processRead(late, hasRest, lock))
      : this.#processRead(read, hasRest, lock);
  }

  /**
   * Records the position if notifications were ignored since it was last recorded. If another runner has moved the
   * position, or another version handles such notifications, it reads the position instead.
   */
  async flush(): Promise<void> {
    const cursor = this.#cursor;
    if (!cursor.isAhead) return;
    await patiently(() => this.#processor.recordPosition());
    if (!cursor.isLocated) await cursor.locate();
  }

  #processRead(
    notifications: readonly StoredNotification[],
    hasRest: boolean,
    lock: BoundedLock | undefined,
  ): Found | Promise<Found> {
    const isFull =
      notifications.length >= this.#processor.batchSize || mayReachSize(notifications, memoryBounds.page);
    const isGrowing = this.#isOwnLog && notifications.length > 0;
    this.isAtEnd = !isFull && !isGrowing && !hasRest && !this.#log.mayContinue;
    if (notifications.length === 0) return false;
    if (lock !== undefined) this.isAtEnd = false;
    return this.#cursor.repeatedUpTo > 0
      ? this.#processAgain(notifications, lock)
      : this.#processPassing(notifications, lock);
  }

  /** Processes notifications that were processed before the position was moved back. */
  async #processAgain(
    notifications: readonly StoredNotification[],
    lock: BoundedLock | undefined,
  ): Promise<Found> {
    this.isAtEnd = false;
    await this.#processor.findDone(notifications);
    return this.#processPassing(notifications, lock);
  }

  /** Processes what passes the gates. */
  #processPassing(
    notifications: readonly StoredNotification[],
    lock: BoundedLock | undefined,
  ): Found | Promise<Found> {
    const lastId = notifications.at(-1)?.id ?? 0;
    const passing = this.#gates.pass(notifications);
    return passing instanceof Promise
      ? passing.then((late) => this.#processFree(late, lastId, lock))
      : this.#processFree(passing, lastId, lock);
  }

  /** @param lastId Id of the last notification of the batch, also if it must wait. */
  #processFree(passing: Passing, lastId: number, lock: BoundedLock | undefined): Found | Promise<Found> {
    if (passing instanceof Error) return this.#waitAfter(passing);
    const failures = this.#failures;
    const processing =
      failures === undefined || failures.isIdle
        ? this.#processor.process(passing, lock)
        : this.#processUnlessParked(passing, failures, lock);
    const done = (): boolean => {
      if (this.#cursor.seen < lastId) this.isAtEnd = false;
      return true;
    };
    return processing === undefined ? done() : processing.then(done);
  }

  /** Processes notifications, and parks those on which the policy has failed and those behind them. */
  async #processUnlessParked(
    notifications: readonly StoredNotification[],
    failures: FollowerFailures,
    lock: BoundedLock | undefined,
  ): Promise<void> {
    const plan = await failures.plan(notifications);
    await this.#processor.process(notifications.slice(0, plan.count), lock, plan.parked);
    await failures.recorded(plan, this.#cursor.seen);
  }

  /** Records the position if another pipeline or version may wait for it, although all notifications before were ignored. */
  async #waitAfter(reason: WaitingError): Promise<BlockingError> {
    this.isAtEnd = false;
    if (dependencyWithin(reason) === undefined) await this.flush();
    if (reason instanceof OtherVersionError) this.#cursor.forget(); // the other version moves the position
    return reason;
  }
}
