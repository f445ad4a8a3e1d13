import { performance } from 'node:perf_hooks';
import { AggregateDiscardedError } from '../../domain/errors.ts';
import {
  isRefusal,
  mayConcernPart,
  PositionConflictError,
  RecordConflictError,
  RowsError,
  StorageError,
} from '../../storage/errors.ts';
import type { ParkedContent, ParkedNotification } from '../../storage/parked.ts';
import type { StoredEvent, StoredNotification } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { InvalidPolicyError } from '../errors.ts';
import { PolicyError } from '../following-errors.ts';
import {
  type Batch,
  noneParked,
  parkedIn,
  unparkedIn,
  withParkedChanges,
} from '../parking/parked-changes.ts';
import { NotSealedError } from '../personal/not-sealed-error.ts';
import { sealPersonal } from '../personal/seal-personal.ts';
import type { Policy } from '../policy/policy.ts';
import {
  mayHandle,
  type PolicyChanges,
  type PolicySetup,
  policyError,
  runPolicy,
} from '../policy/policy-batch.ts';
import { BatchContext } from '../policy/policy-context.ts';
import type { BoundedLock } from '../recording/bounded-lock.ts';
import { explainedConflict } from '../recording/create-conflict.ts';
import { type EventStore, loggedOf, type PreparedEvents } from '../recording/event-store.ts';
import { DoneNotifications } from '../replaying/done-notifications.ts';
import { BatchRows } from './batch-rows.ts';
import { AdaptiveBatchSize } from './batch-size.ts';
import type { UpstreamCursor } from './upstream-cursor.ts';

/** Number of full batches of ignored notifications after which their position is recorded without events. */
const maxIgnoredBatches = 10;

type RecordedChanges = Pick<PolicyChanges, 'pending' | 'provenances' | 'aggregates'>;
const noChanges: RecordedChanges = { pending: [], provenances: [], aggregates: [] };

/** Notifications of an upstream that an application has just processed, and the events that it recorded for them. */
export interface Progress {
  readonly upstreamName: string;
  /** Id of the last notification before. */
  readonly from: number;
  /** Id of the last notification. */
  readonly to: number;
  /** The events in the application's own log that follow from the notifications, in the order of their causes. */
  readonly effects: readonly StoredEvent[];
  /** Head of that log, after the effects; undefined if there are none. */
  readonly head: number | undefined;
  /** What was parked among the notifications. @default nothing */
  readonly parked?: ReadonlyMap<number, ParkedContent | undefined>;
}

/** What a replay hands to the policy, and how. */
export interface ReplayRules {
  /** Name under which the position of the replay is recorded. */
  readonly positionName: string;
  /** Types of the events that the policy handles; undefined for all. */
  readonly types: readonly string[] | undefined;
  /** Whether handlers may call other systems. */
  readonly sideEffects: boolean;
}

/** Pace of a follower that leaves time to others. */
export interface FollowerPace {
  /** Waits until a batch may begin. Returns no promise if it may begin at once. */
  beforeBatch(): Promise<void> | undefined;
  /** Notes that a batch took a time, in ms. */
  worked(ms: number): void;
}

export interface BatchProcessorOptions {
  readonly store: EventStore;
  readonly policy: Policy;
  /** Largest number of notifications processed in one transaction. */
  readonly batchSize: number;
  /** Resources of the system, for handlers. */
  readonly resources?: unknown;
  /** What a replay hands to the policy, and how. @default new notifications */
  readonly replay?: ReplayRules | undefined;
  /** Longest time of a handler, in ms. @default no limit */
  readonly handlerTimeoutMs?: number | undefined;
  /** Limits the share of the time that the follower works. @default all of it */
  readonly pace?: FollowerPace | undefined;
  /** Called with the head of the application's own log when the log has grown. */
  grown(head: number): void;
  /** Called after each batch. */
  progressed(progress: Progress): void;
}

/** Processes notifications of one upstream: runs the policy and records its changes together with the position. */
export class BatchProcessor {
  readonly #options: BatchProcessorOptions;
  readonly #cursor: UpstreamCursor;
  readonly #setup: PolicySetup;
  readonly #size: AdaptiveBatchSize;
  /** The notifications of repeated batches that must not be handled again; undefined until there are such batches. */
  #done: DoneNotifications | undefined;
  /** Ids of those in the current batch. */
  #leftOut: ReadonlySet<number> = new Set();

  constructor(options: BatchProcessorOptions, cursor: UpstreamCursor) {
    const { store, policy, batchSize, replay, handlerTimeoutMs } = options;
    const { upstreamName } = cursor;
    const mapper = store.mapperOf(upstreamName, cursor.emits);
    this.#options = options;
    this.#cursor = cursor;
    this.#setup = {
      store,
      policy,
      upstreamName,
      handlerTimeoutMs,
      typeOf: (storedType) => mapper.typeOf(storedType),
      isLeftOut: ({ id }, type) => this.#leftOut.has(id) || replay?.types?.includes(type) === false,
      decode: (stored) => cursor.decode(stored, mapper),
    };
    this.#size = new AdaptiveBatchSize(batchSize);
  }

  /** Aborted when handlers must end. */
  signal: AbortSignal | undefined;

  /** Number of notifications to read for the next batch. */
  get batchSize(): number {
    return this.#size.limit;
  }

  /**
   * Processes notifications together, until the policy has taken too long. If the policy or the recording fails, they
   * are processed one by one, so that the error names its notification and all before it are recorded. Returns no promise
   * if all are ignored and nothing is recorded.
   *
   * @param lock Write lock under which the changes are recorded.
   * @param parked Notifications that are parked instead of processed.
   */
  process(
    notifications: readonly StoredNotification[],
    lock?: BoundedLock,
    parked: Batch['parked'] = noneParked,
  ): Promise<void> | undefined {
    const last = notifications.at(-1);
    if (last === undefined) return undefined;
    const isIgnored = parked.size === 0 && notifications.every((one) => !this.isHandled(one));
    if (!isIgnored || this.#isPositionDue(last)) {
      return this.#runAndRecord({ notifications, parked }, lock);
    }
    this.#ignore(last);
    return undefined;
  }

  /** Finds the notifications that must not be handled again, before they are processed again. */
  async findDone(notifications: readonly StoredNotification[]): Promise<void> {
    this.#done ??= new DoneNotifications(this.#options.store, this.#cursor.upstreamName);
    this.#leftOut = await this.#done.among(notifications);
  }

  /** Whether the policy may handle a notification. */
  isHandled({ type }: StoredNotification): boolean {
    return mayHandle(this.#setup, type);
  }

  /** Processes a parked notification, and records that it is no longer parked. */
  retry(notification: StoredNotification, retried: ParkedNotification): Promise<void> {
    this.#leftOut = new Set();
    return this.#runAndRecord({ notifications: [notification], parked: noneParked, retried }, undefined);
  }

  /** Changes a parked notification. */
  async change(
    { upstreamName, notificationId, revision }: ParkedNotification,
    content: ParkedContent,
  ): Promise<void> {
    const change = { upstreamName, notificationId, expected: revision, content };
    const { recorder, pipelineId } = this.#options.store;
    await recorder.record(pipelineId, [{ events: [], snapshots: [], parked: [change] }]);
  }

  /** Records the position without events, if notifications were ignored since the position was last recorded. */
  async recordPosition(): Promise<void> {
    if (!this.#cursor.isAhead) return;
    try {
      const prepared = this.#prepare(noChanges);
      this.#noteRecorded(prepared, await this.#options.store.record([prepared]));
    } catch (error) {
      if (!(error instanceof PositionConflictError)) throw error;
      this.#cursor.forget();
    }
  }

  /**
   * Processes notifications in parts after they have failed together: those before the one on which the policy has failed,
   * and those from that one on. If another part has failed, processes them one by one.
   */
  async #processParts({ notifications, parked }: Batch, error: unknown, isOfPolicy: boolean): Promise<void> {
    if (!mayConcernPart(error)) throw error;
    const [notification, ...others] = notifications;
    const failedId = isOfPolicy && isInstance(error, PolicyError) ? error.notificationId : 0;
    const failedAt = notifications.findIndex(({ id }) => id === failedId);
    if (notification !== undefined && others.length === 0) {
      await this.recordPosition().catch(() => {}); // behind the notifications before, which were ignored
      throw this.attributed(error, notification);
    }
    const parts =
      failedAt < 0
        ? notifications.map((one) => [one])
        : [
            notifications.slice(0, failedAt),
            [notifications[failedAt] as StoredNotification],
            notifications.slice(failedAt + 1),
          ];
    for (const part of parts) {
      await this.process(part, undefined, parkedIn(part, parked));
      if (this.#cursor.seen < (part.at(-1)?.id ?? 0)) return; // it took too long, and the rest is read again
    }
  }

  async #runAndRecord(batch: Batch, lock: BoundedLock | undefined, hasKeys: boolean = false): Promise<void> {
    const { notifications, parked, retried } = batch;
    const { pace } = this.#options;
    const resting = pace?.beforeBatch();
    if (resting !== undefined) await resting;
    const started = performance.now();
    const { store } = this.#options;
    const rows = store.rows && new BatchRows(store, lock);
    let changes: PolicyChanges | undefined;
    try {
      const context = new BatchContext({
        applicationName: store.applicationName,
        resources: this.#options.resources,
        isReplay: this.#cursor.repeatedUpTo > 0,
        sideEffects: this.#options.replay?.sideEffects ?? true,
        signal: this.signal,
        rows: rows?.open ?? this.#refuseRows,
      });
      changes = await runPolicy(this.#setup, unparkedIn(batch), this.#size.longestMs, context);
      const end = notifications.at(-1);
      const isIgnored = changes.handled === 0 && parked.size === 0 && retried === undefined;
      if (isIgnored && end !== undefined && !this.#isPositionDue(end)) return this.#ignore(end);
      const { next, policyMs } = changes;
      const last = next === undefined ? notifications.at(-1) : notifications[notifications.indexOf(next) - 1];
      if (last === undefined) return;
      const preparing = this.#prepareChanges(changes, last, batch);
      if (preparing instanceof Promise && rows?.isOpen && !hasKeys) {
        await rows.end(); // keys of subjects are recorded apart, in some storages only while no transaction is open
        await preparing;
        return await this.#runAndRecord(batch, undefined, true);
      }
      let prepared = preparing instanceof Promise ? await preparing : preparing;
      if (parked.size > 0 || retried !== undefined)
        prepared = await withParkedChanges(prepared, batch, last, this.#cursor.upstreamName, store);
      const yielding = yieldIfDue(performance.now());
      if (yielding !== undefined) await yielding;
      const head = await store.record([prepared], rows?.isOpen ? await rows.lock() : lock);
      this.#noteRecorded(prepared, head, parked);
      const tookMs = performance.now() - started;
      if (retried === undefined) this.#finish(last, policyMs, tookMs - policyMs);
      pace?.worked(tookMs);
    } catch (error) {
      await rows?.end();
      const explained = await explainedConflict(error, changes?.aggregates ?? [], store);
      if (retried !== undefined) throw explained;
      await this.#processParts(batch, explained, changes === undefined);
    } finally {
      if (rows !== undefined) await rows.end(); // also refuses a context that a handler has kept
    }
  }

  readonly #refuseRows = async (): Promise<never> => {
    const { applicationName } = this.#options.store;
    throw new InvalidPolicyError(
      `The policy of '${applicationName}' called rows(), but its class has no 'static readonly rows': add ` +
        "'static readonly rows = sqliteRows' from kahn/sqlite, or postgresRows from kahn/postgres.",
    );
  };

  /** Notes that notifications up to `last` are ignored. Their position is recorded later. */
  #ignore(last: StoredNotification): void {
    this.#report(last.id, [], undefined);
    this.#finish(last, 0, 0);
  }

  /** Whether so many notifications were ignored that their position is recorded without events. */
  #isPositionDue(last: StoredNotification): boolean {
    return this.#cursor.distanceTo(last.id) >= this.#options.batchSize * maxIgnoredBatches;
  }

  /** Notes that the notifications up to `last` are done, and the time that they took in the policy and elsewhere, in ms. */
  #finish(last: StoredNotification, policyMs: number, otherMs: number): void {
    this.#size.learn(last.id - this.#cursor.seen, policyMs, otherMs);
    this.#cursor.advanceTo(last);
  }

  /**
   * Names the notification in the error if the storage refused the changes, or if they are in conflict: if retries do not
   * resolve a conflict, the changes are already recorded.
   */
  attributed(error: unknown, notification: StoredNotification): unknown {
    const isOfHandler =
      error instanceof RecordConflictError ||
      error instanceof AggregateDiscardedError ||
      error instanceof RowsError;
    return isOfHandler || isRefusal(error) ? policyError(this.#setup, notification, error) : error;
  }

  /**
   * Encodes the changes. Changes that cannot be recorded count as a failure of the policy. Returns no promise if there is no
   * new personal data to seal.
   */
  #prepareChanges(
    changes: PolicyChanges,
    last: StoredNotification,
    batch: Batch,
    tries: number = 1,
  ): PreparedEvents | Promise<PreparedEvents> {
    const [notification] = unparkedIn(batch);
    const failure = (error: unknown) =>
      notification === undefined ? error : policyError(this.#setup, notification, error);
    try {
      return this.#prepare(changes, last, batch.retried !== undefined);
    } catch (error) {
      if (!(error instanceof NotSealedError)) throw failure(error);
      const { pending } = changes;
      return sealPersonal(this.#options.store.mapper, error, { pending, isEffect: true, tries }).then(
        () => this.#prepareChanges(changes, last, batch, tries + 1),
        (reason) => Promise.reject(reason instanceof StorageError ? reason : failure(reason)),
      );
    }
  }

  /** Encodes changes and the position behind `last`, or behind the last notification that is done. */
  #prepare(
    { pending, provenances, aggregates }: RecordedChanges,
    last?: StoredNotification,
    isRetried = false,
  ): PreparedEvents {
    const provenanceOf = (index: number) => provenances[index] ?? {};
    const tracking = isRetried ? undefined : this.#cursor.trackingTo(last);
    return this.#options.store.prepare(pending, aggregates, provenanceOf, tracking);
  }

  #noteRecorded(prepared: PreparedEvents, head: number, parked?: Batch['parked']): void {
    const { tracking } = prepared.processEvent;
    const effects = loggedOf(prepared);
    if (tracking !== undefined) this.#cursor.setRecorded(tracking.position);
    const position = tracking?.position ?? this.#cursor.seen;
    this.#report(position, effects, effects.length > 0 ? head : undefined, parked);
    if (effects.length > 0) this.#options.grown(head);
  }

  /** Reports a batch, before the cursor advances. */
  #report(
    to: number,
    effects: readonly StoredEvent[],
    head: number | undefined,
    parked: Batch['parked'] = noneParked,
  ): void {
    const { upstreamName, seen: from } = this.#cursor;
    this.#options.progressed({ upstreamName, from, to, effects, head, parked });
  }
}
