import type { ParkedNotification } from '../../storage/parked.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import { mayReachSize } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import { type FailureHandling, FollowerFailures } from '../error-rules/failure-handling.ts';
import { asOtherVersion, isTransientFailure } from '../failures.ts';
import { CausalDependencyError, OtherVersionError, PolicyError } from '../following-errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { BoundedLock } from '../recording/bounded-lock.ts';
import type { BeginningDeclaration } from '../replaying/beginning.ts';
import { BatchRetries, type Found, type Pulled } from './batch-retries.ts';
import type { BatchProcessorOptions } from './batches/batch-options.ts';
import { BatchProcessor } from './batches/batch-processor.ts';
import type { CausalGate, WaitingNotification } from './causality/causal-gate.ts';
import { patiently } from './failed-tries.ts';
import { type BarredNotification, TypeGate } from './type-gate.ts';
import { UpstreamCursor } from './upstream-cursor.ts';

export interface FollowerOptions extends BatchProcessorOptions {
  /** Log of the upstream. */
  readonly log: NotificationLog;
  /** Gate that the upstreams of the application share. */
  readonly gate: CausalGate;
  /** What the upstreams of the application share about failures. */
  readonly handling: FailureHandling;
  /** Class of the application, if that says where it begins. */
  readonly declaration?: BeginningDeclaration | undefined;
}

/** Follows one upstream: reads its log in batches, and processes each batch exactly once. */
export class Follower {
  readonly #applicationName: string;
  readonly #pipelineId: number;
  readonly #cursor: UpstreamCursor;
  readonly #gate: CausalGate;
  readonly #types: TypeGate;
  readonly #processor: BatchProcessor;
  readonly #retries: BatchRetries;
  readonly #failures: FollowerFailures;
  readonly #isReplay: boolean;
  #isAtEnd = false;

  constructor({ log, gate, handling, declaration, ...options }: FollowerOptions) {
    const { store } = options;
    this.#applicationName = store.applicationName;
    this.#pipelineId = store.pipelineId;
    this.#types = new TypeGate(options.policy, log.emits, store.mapperOf(log.applicationName, log.emits));
    const { replay } = options;
    this.#isReplay = replay !== undefined;
    this.#cursor = new UpstreamCursor(
      store,
      log,
      this.#types,
      handling.moved,
      declaration,
      replay?.positionName,
    );
    this.#gate = gate;
    gate.add(this.#cursor);
    this.#processor = new BatchProcessor(options, this.#cursor);
    this.#retries = new BatchRetries({
      cursor: this.#cursor,
      owner: store,
      pull: (upTo, lock) => this.#pullOnce(upTo, lock),
      failed: () => {
        this.#isAtEnd = false;
      },
    });
    this.#failures = new FollowerFailures({
      upstreamName: log.applicationName,
      handling,
      isHandled: (notification) => this.#processor.isHandled(notification),
      nearestCauseOf: (notification) => gate.nearestCauseOf(notification),
    });
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
   * the log or at `upTo`, or with an error if the next notification waits for another log or another version. Returns no
   * promise if nothing is read or recorded, as for notifications in memory that are ignored.
   *
   * @param signal Aborted when other writers must no longer wait for this batch.
   * @throws {@link PolicyError} for the first notification that cannot be processed; all before it are recorded.
   */
  pull(upTo: number = Infinity, signal?: AbortSignal): Pulled | Promise<Pulled> {
    const { hasRules } = this.#failures;
    this.#processor.signal = signal;
    const resting = hasRules ? this.#failures.resting : undefined;
    if (resting !== undefined) return resting;
    const { seen, isLocated } = this.#cursor;
    if (!isLocated) return this.#locateAndPull(upTo, signal);
    const pulled = this.#pullRepeatedly(upTo, signal);
    return hasRules && pulled instanceof Promise ? this.#pullByRules(pulled, seen, upTo, signal) : pulled;
  }

  /** Processes a batch, again and again if other writers are faster or the storage is busy. */
  #pullRepeatedly(upTo: number, signal: AbortSignal | undefined): Pulled | Promise<Pulled> {
    const { seen } = this.#cursor;
    const retries = this.#retries;
    const found = retries.needsLock ? undefined : this.#pullOnce(upTo);
    return found === undefined || found instanceof Promise
      ? retries.settle(found, seen, upTo, signal)
      : retries.succeeded(found, seen);
  }

  /** Makes the next pull read the recorded position, which may have been moved. */
  forget(): void {
    this.#cursor.forget();
    this.#failures.forget();
    this.#isAtEnd = false;
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
    await patiently(() => this.#processor.recordPosition());
    if (!cursor.isLocated) await cursor.locate();
  }

  /** Waits for a batch. If its policy fails, does what the error rules say. */
  async #pullByRules(
    first: Promise<Pulled>,
    from: number,
    upTo: number,
    signal: AbortSignal | undefined,
  ): Promise<Pulled> {
    for (let pulling: Pulled | Promise<Pulled> = first; ; pulling = this.#pullRepeatedly(upTo, signal)) {
      try {
        const pulled = await pulling;
        return typeof pulled === 'number' ? this.#cursor.seen - from : pulled;
      } catch (error) {
        const retry = this.#failures.rule(error, signal);
        this.#isAtEnd = false;
        await patiently(() => this.#cursor.locate());
        if (retry !== undefined) return retry;
      }
    }
  }

  /**
   * Processes a parked notification, unless it must stay behind another one or is left to another version. Resolves with
   * whether it is no longer parked.
   *
   * @throws {@link PolicyError} if the policy fails again and no rule parks the notification.
   */
  async retry(parked: ParkedNotification, signal: AbortSignal | undefined): Promise<boolean> {
    this.#processor.signal = signal;
    await this.locate();
    const notification = await this.#cursor.find(parked.notificationId);
    if (notification === undefined || this.#types.firstBarred([notification]) !== undefined) return false;
    if (await this.#failures.isBlocked(notification)) return false;
    try {
      await patiently(() => this.#processor.retry(notification, parked));
      return true;
    } catch (error) {
      await this.#keepParked(notification, parked, error, signal);
      return false;
    }
  }

  /** Records that the policy has failed again on a parked notification. */
  async #keepParked(
    notification: StoredNotification,
    parked: ParkedNotification,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (signal?.aborted) throw error;
    if (asOtherVersion(error) !== undefined) return;
    const failed = this.#processor.attributed(error, notification);
    if (!isInstance(failed, PolicyError) || isTransientFailure(failed)) throw error;
    await this.#processor.change(parked, this.#failures.failedAgain(parked, failed));
    if (!this.#failures.parks(failed)) throw failed;
  }

  async #locateAndPull(upTo: number, signal: AbortSignal | undefined): Promise<Pulled> {
    await patiently(() => this.#cursor.locate());
    return this.pull(upTo, signal);
  }

  /**
   * Reads a batch, lets it through the gates, runs the policy, and records. Returns whether there was a batch, or an
   * error if none of it may be processed yet. Under the write lock, the batch is a single notification.
   */
  #pullOnce(upTo: number, lock?: BoundedLock): Found | Promise<Found> {
    const cursor = this.#cursor;
    const { batchSize } = this.#processor;
    const last = Math.min(upTo, cursor.repeatedUpTo || Infinity);
    const limit = Math.min(lock === undefined ? batchSize : 1, last - cursor.seen);
    this.#isAtEnd = limit <= 0;
    if (this.#isAtEnd) return false;
    const { hasRest } = cursor;
    const read = cursor.read(limit);
    if (read instanceof Promise) return read.then((late) => this.#process(late, hasRest, lock));
    return this.#process(read, hasRest, lock);
  }

  #process(
    notifications: readonly StoredNotification[],
    hasRest: boolean,
    lock: BoundedLock | undefined,
  ): Found | Promise<Found> {
    const { batchSize } = this.#processor;
    // An application that follows itself extends the log while it processes the batch.
    const isGrowing = this.#cursor.upstreamName === this.#applicationName && notifications.length > 0;
    const isFull = notifications.length >= batchSize || mayReachSize(notifications, memoryBounds.page);
    this.#isAtEnd = !isFull && !isGrowing && !hasRest && !this.#cursor.mayContinue;
    if (notifications.length === 0) return false;
    if (lock !== undefined) this.#isAtEnd = false;
    if (this.#cursor.repeatedUpTo > 0) return this.#processAgain(notifications, lock);
    return this.#processUnlessHeld(notifications, lock);
  }

  /** Processes notifications that were processed before the position was moved back. */
  async #processAgain(
    notifications: readonly StoredNotification[],
    lock: BoundedLock | undefined,
  ): Promise<Found> {
    this.#isAtEnd = false;
    await this.#processor.findDone(notifications);
    return this.#processUnlessHeld(notifications, lock);
  }

  #processUnlessHeld(
    notifications: readonly StoredNotification[],
    lock: BoundedLock | undefined,
  ): Found | Promise<Found> {
    return this.#gate.passes(notifications)
      ? this.#processFree(notifications, notifications.length, lock)
      : this.#processUnlessWaiting(notifications, lock);
  }

  async #processUnlessWaiting(
    notifications: readonly StoredNotification[],
    lock: BoundedLock | undefined,
  ): Promise<Found> {
    const waiting = await this.#gate.firstWaiting(this.upstreamName, notifications);
    if (waiting?.index === 0) return this.#waitFor(waiting);
    return this.#processFree(notifications, waiting?.index ?? notifications.length, lock);
  }

  /** Processes the first `count` notifications of a batch. They wait for no other log. */
  #processFree(
    notifications: readonly StoredNotification[],
    count: number,
    lock: BoundedLock | undefined,
  ): Found | Promise<Found> {
    const lastId = notifications.at(-1)?.id ?? 0;
    const free = count === notifications.length ? notifications : notifications.slice(0, count);
    const barred = this.#types.firstBarred(free);
    if (barred?.index === 0) return this.#leave(barred);
    const passing = barred === undefined ? free : free.slice(0, barred.index);
    if (!this.#isReplay && !this.#failures.isIdle) return this.#processUnlessParked(passing, lastId, lock);
    const processing = this.#processor.process(passing, lock);
    const done = (): boolean => {
      if (this.#cursor.seen < lastId) this.#isAtEnd = false;
      return true;
    };
    return processing === undefined ? done() : processing.then(done);
  }

  /** Processes notifications, and parks those on which the policy has failed and those behind them. */
  async #processUnlessParked(
    notifications: readonly StoredNotification[],
    lastId: number,
    lock: BoundedLock | undefined,
  ): Promise<Found> {
    const plan = await this.#failures.plan(notifications);
    await this.#processor.process(notifications.slice(0, plan.count), lock, plan.parked);
    await this.#failures.recorded(plan, this.#cursor.seen);
    if (this.#cursor.seen < lastId) this.#isAtEnd = false;
    return true;
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
