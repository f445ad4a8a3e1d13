import { performance } from 'node:perf_hooks';
import { AggregateDiscardedError } from '../../../domain/errors.ts';
import {
  isRefusal,
  mayConcernPart,
  PositionConflictError,
  RecordConflictError,
  RowsError,
} from '../../../storage/errors.ts';
import type { ParkedContent, ParkedNotification } from '../../../storage/parked.ts';
import type { StoredNotification } from '../../../storage/stored-event.ts';
import { isInstance } from '../../../util/errors.ts';
import { yieldIfDue } from '../../../util/yield-to-event-loop.ts';
import { InvalidPolicyError } from '../../errors.ts';
import { PolicyError } from '../../following-errors.ts';
import {
  type Batch,
  noneParked,
  parkedIn,
  unparkedIn,
  withParkedChanges,
} from '../../parking/parked-changes.ts';
import {
  mayHandle,
  type PolicyChanges,
  type PolicySetup,
  policyError,
  runPolicy,
} from '../../policy/policy-batch.ts';
import { BatchContext } from '../../policy/policy-context.ts';
import type { BoundedLock } from '../../recording/bounded-lock.ts';
import { explainedConflict } from '../../recording/create-conflict.ts';
import { DoneNotifications } from '../../replaying/done-notifications.ts';
import type { UpstreamCursor } from '../upstream-cursor.ts';
import type { UpstreamLog } from '../upstream-log.ts';
import { BatchEncoder } from './batch-encoder.ts';
import type { BatchProcessorOptions } from './batch-options.ts';
import { partsOf } from './batch-parts.ts';
import { BatchProgress } from './batch-progress.ts';
import { BatchRows } from './batch-rows.ts';

/** Processes notifications of one upstream: runs the policy and records its changes together with the position. */
export class BatchProcessor {
  readonly #options: BatchProcessorOptions;
  readonly #cursor: UpstreamCursor;
  readonly #setup: PolicySetup;
  readonly #encoder: BatchEncoder;
  readonly #progress: BatchProgress;
  /** The notifications of repeated batches that must not be handled again; undefined until there are such batches. */
  #done: DoneNotifications | undefined;
  /** Ids of those in the current batch. */
  #leftOut: ReadonlySet<number> = new Set();

  constructor(options: BatchProcessorOptions, log: UpstreamLog, cursor: UpstreamCursor) {
    const { store, policy, replay, handlerTimeoutMs } = options;
    const { upstreamName, emits } = log;
    const mapper = store.mapperOf(upstreamName, emits);
    this.#options = options;
    this.#cursor = cursor;
    this.#setup = {
      store,
      policy,
      upstreamName,
      handlerTimeoutMs,
      typeOf: (storedType) => mapper.typeOf(storedType),
      isLeftOut: ({ id }, type) => this.#leftOut.has(id) || replay?.types?.includes(type) === false,
      decode: (stored) => log.decode(stored, mapper),
    };
    this.#encoder = new BatchEncoder(this.#setup, cursor);
    this.#progress = new BatchProgress(options, cursor);
  }

  /** Aborted when handlers must end. */
  signal: AbortSignal | undefined;

  /** Number of notifications to read for the next batch. */
  get batchSize(): number {
    return this.#progress.batchSize;
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
    if (!isIgnored || this.#progress.isPositionDue(last)) {
      return this.#runAndRecord({ notifications, parked }, lock);
    }
    this.#progress.ignore(last);
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
      const prepared = this.#encoder.encodePosition();
      this.#progress.noteRecorded(prepared, await this.#options.store.record([prepared]));
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
    if (notification !== undefined && others.length === 0) {
      await this.recordPosition().catch(() => {}); // behind the notifications before, which were ignored
      throw this.attributed(error, notification);
    }
    const failedId = isOfPolicy && isInstance(error, PolicyError) ? error.notificationId : undefined;
    for (const part of partsOf(notifications, failedId)) {
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
      changes = await runPolicy(this.#setup, unparkedIn(batch), this.#progress.longestMs, context);
      const end = notifications.at(-1);
      const isIgnored = changes.handled === 0 && parked.size === 0 && retried === undefined;
      if (isIgnored && end !== undefined && !this.#progress.isPositionDue(end))
        return this.#progress.ignore(end);
      const { next, policyMs } = changes;
      const last = next === undefined ? notifications.at(-1) : notifications[notifications.indexOf(next) - 1];
      if (last === undefined) return;
      const preparing = this.#encoder.encode(changes, last, batch);
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
      this.#progress.noteRecorded(prepared, head, parked);
      const tookMs = performance.now() - started;
      if (retried === undefined) this.#progress.finish(last, policyMs, tookMs - policyMs);
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
}
