import { setTimeout as delay } from 'node:timers/promises';
import type { Aggregate, PendingEvent } from '../domain/aggregate.ts';
import { PositionConflictError, RecordConflictError, StorageError } from '../persistence/errors.ts';
import type { StoredNotification } from '../persistence/stored-event.ts';
import { LogBrokenError } from './errors.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';
import type { NotificationLog } from './notification-log.ts';
import type { Policy } from './policy.ts';
import { PolicyBatch, policyError } from './policy-batch.ts';
import { inPolicyOf } from './policy-scope.ts';

/** How often a pull is tried without getting ahead while somebody else records the same things. */
const maxTries = 10;
const maxDelayMs = 100;
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

/** Follows one upstream: reads its log, runs the policy, and records what comes of it together with the position. */
export class Follower {
  readonly upstreamName: string;
  readonly #options: FollowerOptions;
  readonly #decode: (stored: StoredNotification) => ReturnType<EventStore['mapper']['toEvent']>;
  /** The position on record; undefined if it must be read (again). */
  #position: number | undefined;
  /** Up to where the log was read: between position and this there are ignored notifications only. */
  #seen = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.upstreamName = options.log.applicationName;
    const mapper = options.store.mapperOf(this.upstreamName);
    this.#decode = (stored) => mapper.toEvent(stored);
  }

  /**
   * Processes a batch of notifications and resolves with how many it got ahead by; 0 means the end of the log.
   *
   * @throws PolicyError for the first notification that cannot be processed; those before it are recorded.
   */
  async pull(): Promise<number> {
    await this.#locate();
    const from = this.#seen;
    let start = from;
    for (let tries = 1; ; tries += 1) {
      try {
        const found = await this.#pullOnce();
        // After a failure, ignored notifications whose position was not recorded are read once more.
        if (!found || this.#seen > from) return this.#seen - from;
        tries = 0;
        continue;
      } catch (error) {
        this.#position = undefined;
        if (!isTransient(error) || tries === maxTries) throw error;
      }
      await delay(Math.min(2 ** tries, maxDelayMs));
      await this.#locate();
      if (this.#seen > start) tries = 0;
      start = this.#seen;
    }
  }

  /** Records the position if ignored notifications were read since it was recorded last. */
  async flush(): Promise<void> {
    if (this.#position === undefined || this.#seen === this.#position) return;
    try {
      await this.#record(this.#prepare([], [], this.#seen));
    } catch (error) {
      this.#position = undefined;
      if (!(error instanceof PositionConflictError)) throw error;
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

  /** Whether there was anything to process. */
  async #pullOnce(): Promise<boolean> {
    await this.#locate();
    const notifications = await this.#options.log.select(this.#seen, this.#options.batchSize);
    const last = notifications.at(-1);
    if (last === undefined) return false;
    if (last.id !== this.#seen + notifications.length) {
      throw this.#broken(`the ${notifications.length} notifications after ${this.#seen} end at ${last.id}.`);
    }
    await this.#process(notifications);
    return true;
  }

  #broken(what: string): LogBrokenError {
    return new LogBrokenError(this.#options.store.applicationName, this.upstreamName, what);
  }

  /** All together or, if that fails for one of them, one by one. */
  async #process(notifications: readonly StoredNotification[]): Promise<void> {
    try {
      await this.#processTogether(notifications);
    } catch (error) {
      const elsewhere = error instanceof StorageError || error instanceof PositionConflictError;
      if (notifications.length === 1 || elsewhere) throw error;
      for (const notification of notifications) await this.#processTogether([notification]);
    }
  }

  async #processTogether(notifications: readonly StoredNotification[]): Promise<void> {
    const { store, policy, batchSize } = this.#options;
    const batch = new PolicyBatch(store, this.upstreamName, policy);
    const pending = await inPolicyOf(store.applicationName, () => batch.run(notifications, this.#decode));
    const last = notifications.at(-1)?.id ?? this.#seen;
    const ignored = last - (this.#position ?? 0);
    if (batch.handled > 0 || ignored >= batchSize * maxIgnoredBatches) {
      await this.#record(this.#prepareResult(pending, batch.aggregates, last, notifications));
    }
    this.#seen = last;
  }

  /** What the policy made of one notification and cannot be recorded is a failure of the policy. */
  #prepareResult(
    pending: readonly PendingEvent[],
    aggregates: Iterable<Aggregate>,
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
    aggregates: Iterable<Aggregate>,
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

function isTransient(error: unknown): boolean {
  if (error instanceof StorageError) return error.transient;
  return error instanceof RecordConflictError || error instanceof PositionConflictError;
}
