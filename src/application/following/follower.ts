import { setTimeout as delay } from 'node:timers/promises';
import type { Aggregate, PendingEvent } from '../../domain/aggregate.ts';
import { PositionConflictError, RecordConflictError, StorageError } from '../../storage/errors.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { CausalDependencyError, LogMismatchError, PolicyError } from '../errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import type { EventStore, PreparedEvents } from '../recording/event-store.ts';
import { AdaptiveBatchSize } from './batch-size.ts';
import { CausalGate, type Waiting } from './causal-gate.ts';
import { runAsPolicyOf } from './current-policy.ts';
import type { Policy } from './policy.ts';
import { PolicyBatch, policyError } from './policy-batch.ts';

/** How often a pull is tried without getting ahead while somebody else records the same things. */
const maxTries = 10;
const maxDelayMs = 100;
/** A call that has failed for the moment after more than this was patient enough by itself. */
const maxPatienceMs = 2_000;
/** How many batches of ignored notifications are read before their position is recorded for itself. */
const maxIgnoredBatches = 10;

/** What a follower works with. */
export interface FollowerOptions {
  readonly store: EventStore;
  readonly policy: Policy;
  /** The log of the upstream. */
  readonly log: NotificationLog;
  /** How many notifications are processed in one transaction at most. */
  readonly batchSize: number;
  /** Called when the application's own log has grown, with its head. */
  grown(head: number): void;
}

/**
 * Follows one upstream: reads its log, runs the policy, and records what comes of it together with the
 * position.
 */
export class Follower {
  readonly upstreamName: string;
  readonly #options: FollowerOptions;
  readonly #pace: AdaptiveBatchSize;
  readonly #decode: (stored: StoredNotification) => ReturnType<EventStore['mapper']['toEvent']>;
  readonly #otherPipelines: CausalGate;
  /** The position on record; undefined if it must be read (again). */
  #position: number | undefined;
  /** Up to where the log was read: between position and this there are ignored notifications only. */
  #seen = 0;
  #isAtEnd = false;
  /** No notification behind this one is processed now. */
  #upTo = Infinity;
  /** The notification that is processed by itself, if one is. */
  #single: StoredNotification | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.upstreamName = options.log.applicationName;
    this.#pace = new AdaptiveBatchSize(options.batchSize);
    const mapper = options.store.mapperOf(this.upstreamName);
    this.#decode = (stored) => mapper.toEvent(stored);
    this.#otherPipelines = new CausalGate(options.store.recorder, this.upstreamName);
  }

  /**
   * Processes a batch of notifications, none behind `upTo`, and resolves with how many it got ahead by; 0 means
   * the end of the log, or `upTo`.
   *
   * @throws PolicyError for the first notification that cannot be processed; those before it are recorded.
   * @throws CausalDependencyError if the next notification waits for what is processed in another pipeline.
   */
  async pull(upTo: number = Infinity): Promise<number> {
    this.#upTo = upTo;
    await this.#locate();
    const from = this.#seen;
    let found = await this.#pullBatch();
    // After a failure, ignored notifications whose position was not recorded are read once more.
    while (found && this.#seen <= from) found = await this.#pullBatch();
    return this.#seen - from;
  }

  /** Whether the last pull came to the end of the log, or to `upTo`: what follows is prompted for. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Records the position if ignored notifications were read since it was recorded last. */
  async flush(): Promise<void> {
    for (let tries = 1; this.#position !== undefined && this.#seen > this.#position; tries += 1) {
      const since = performance.now();
      try {
        await this.#record(this.#prepare([], [], this.#seen));
      } catch (error) {
        if (error instanceof PositionConflictError) this.#position = undefined;
        else if (!isTransient(error) || isSpent(error, since) || tries === maxTries) throw error;
        else await delay(delayMs(tries));
      }
    }
  }

  async #locate(): Promise<void> {
    if (this.#position !== undefined) return;
    const { recorder, pipelineId } = this.#options.store;
    const position = await recorder.position(pipelineId, this.upstreamName);
    const head = await this.#options.log.head();
    if (head < position) {
      throw this.#broken(`it has processed ${position} notifications, but the log ends at ${head}.`);
    }
    this.#position = position;
    this.#seen = position;
  }

  /** Tries again while others record the same things, as long as somebody gets ahead. */
  async #pullBatch(): Promise<boolean> {
    let start = this.#seen;
    for (let tries = 1; ; tries += 1) {
      const since = performance.now();
      try {
        return await this.#pullOnce();
      } catch (error) {
        if (error instanceof CausalDependencyError) throw error;
        this.#position = undefined;
        if (!isTransient(error) || isSpent(error, since)) throw error;
        if (tries === maxTries) throw this.#explained(error);
      }
      await delay(delayMs(tries));
      await this.#locate();
      if (this.#seen > start) tries = 0;
      start = this.#seen;
    }
  }

  /** Whether there was anything to process. */
  async #pullOnce(): Promise<boolean> {
    await this.#locate();
    const pace = this.#pace.limit;
    const limit = Math.min(pace, this.#upTo - this.#seen);
    this.#isAtEnd = limit <= 0;
    if (this.#isAtEnd) return false;
    const notifications = await this.#options.log.select(this.#seen, limit);
    // Who follows itself makes its log longer by reading it.
    const growing = this.upstreamName === this.#options.store.applicationName && notifications.length > 0;
    this.#isAtEnd = notifications.length < pace && !growing;
    const last = notifications.at(-1);
    if (last === undefined) return false;
    if (last.id !== this.#seen + notifications.length) {
      throw this.#broken(`the ${notifications.length} notifications after ${this.#seen} end at ${last.id}.`);
    }
    const waiting = await this.#otherPipelines.firstWaiting(notifications);
    if (waiting === undefined) await this.#process(notifications);
    else await this.#processBefore(waiting, notifications);
    return true;
  }

  /** Processes what comes before a notification that must wait. Throws {@link CausalDependencyError} if nothing does. */
  async #processBefore(
    { index, dependency }: Waiting,
    notifications: readonly StoredNotification[],
  ): Promise<void> {
    const waiting = notifications[index];
    if (index > 0 || waiting === undefined) {
      this.#isAtEnd = false;
      return this.#process(notifications.slice(0, index));
    }
    // The other pipeline may wait for this position, be it behind what was ignored.
    await this.flush();
    const { applicationName, pipelineId } = this.#options.store;
    const { upstreamName } = this;
    throw new CausalDependencyError(
      { applicationName, upstreamName, pipelineId, notificationId: waiting.id },
      dependency,
    );
  }

  #broken(what: string): LogMismatchError {
    return new LogMismatchError(this.#options.store.applicationName, this.upstreamName, what);
  }

  /** All together, as far as time goes, or, if that fails for one of them, one by one. */
  async #process(notifications: readonly StoredNotification[]): Promise<void> {
    try {
      await this.#processTogether(notifications);
    } catch (error) {
      const elsewhere = error instanceof StorageError || error instanceof PositionConflictError;
      if (notifications.length === 1 || elsewhere) throw error;
      for (const notification of notifications) await this.#processTogether([notification]);
    }
  }

  /** A conflict that does not pass is the policy's: it makes what is there already. */
  #explained(error: unknown): unknown {
    if (!(error instanceof RecordConflictError) || this.#single === undefined) return error;
    return policyError(this.#options.store, this.upstreamName, this.#single, error);
  }

  async #processTogether(notifications: readonly StoredNotification[]): Promise<void> {
    this.#single = notifications.length === 1 ? notifications[0] : undefined;
    const { store, policy, batchSize } = this.#options;
    const since = performance.now();
    const batch = new PolicyBatch(store, this.upstreamName, policy);
    const { longestMs } = this.#pace;
    const pending = await runAsPolicyOf(store.applicationName, () =>
      batch.run(notifications, this.#decode, longestMs),
    );
    if (batch.next !== undefined) this.#isAtEnd = false;
    const last = (batch.next === undefined ? notifications.at(-1)?.id : batch.next.id - 1) ?? this.#seen;
    const ignored = last - (this.#position ?? 0);
    if (batch.handled > 0 || ignored >= batchSize * maxIgnoredBatches) {
      await this.#record(this.#prepareResult(pending, batch.aggregates, last, notifications));
    }
    this.#pace.learn(last - this.#seen, batch.policyMs, performance.now() - since - batch.policyMs);
    this.#seen = last;
  }

  /** What the policy made of one notification and cannot be recorded is a failure of the policy. */
  #prepareResult(
    pending: readonly PendingEvent[],
    aggregates: readonly Aggregate[],
    position: number,
    [notification]: readonly StoredNotification[],
  ): PreparedEvents {
    try {
      return this.#prepare(pending, aggregates, position);
    } catch (error) {
      throw notification ? policyError(this.#options.store, this.upstreamName, notification, error) : error;
    }
  }

  #prepare(
    pending: readonly PendingEvent[],
    aggregates: readonly Aggregate[],
    position: number,
  ): PreparedEvents {
    const tracking = { upstreamName: this.upstreamName, expected: this.#position ?? 0, position };
    return this.#options.store.prepare(pending, aggregates, tracking);
  }

  async #record(prepared: PreparedEvents): Promise<void> {
    const head = await this.#options.store.record([prepared]);
    this.#position = prepared.processEvent.tracking?.position;
    if (prepared.events.length > 0) this.#options.grown(head);
  }
}

function delayMs(tries: number): number {
  return Math.min(2 ** tries, maxDelayMs);
}

/** Whether the storage has tried for long already: trying that ten times would take ten times as long. */
function isSpent(error: unknown, since: number): boolean {
  const cause = error instanceof PolicyError ? error.cause : error;
  return cause instanceof StorageError && performance.now() - since > maxPatienceMs;
}

function isTransient(error: unknown): boolean {
  if (error instanceof PolicyError) return error.cause instanceof StorageError && error.cause.transient;
  if (error instanceof StorageError) return error.transient;
  return error instanceof RecordConflictError || error instanceof PositionConflictError;
}
