import type { ParkedNotification } from '../../storage/parked.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import { type FailureHandling, FollowerFailures } from '../error-rules/failure-handling.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import { type BeginningDeclaration, recordBeginning } from '../replaying/beginning.ts';
import type { BatchProcessorOptions } from './batches/batch-options.ts';
import { BatchProcessor } from './batches/batch-processor.ts';
import type { CausalGate } from './causality/causal-gate.ts';
import { Gates } from './gates.ts';
import { NextBatch } from './next-batch.ts';
import { ParkedRetries } from './parked-retries.ts';
import { BatchRetries, type Pulled } from './tries/batch-retries.ts';
import { patiently } from './tries/failed-tries.ts';
import { TypeGate } from './type-gate.ts';
import { UpstreamCursor } from './upstream-cursor.ts';
import { UpstreamLog } from './upstream-log.ts';

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
  readonly #log: UpstreamLog;
  readonly #cursor: UpstreamCursor;
  readonly #processor: BatchProcessor;
  readonly #batch: NextBatch;
  readonly #retries: BatchRetries;
  readonly #failures: FollowerFailures;
  readonly #parked: ParkedRetries;

  constructor({ log: followed, gate, handling, declaration, ...options }: FollowerOptions) {
    const { store, policy, replay } = options;
    const { applicationName: upstreamName, emits } = followed;
    const types = new TypeGate(policy, emits, store.mapperOf(upstreamName, emits));
    const log = new UpstreamLog(store, followed);
    const begin = declaration && (() => recordBeginning(declaration, store, followed));
    const { positionName } = replay ?? {};
    const cursor = new UpstreamCursor({ store, log, types, positionName, begin, moved: handling.moved });
    gate.add(cursor);
    const processor = new BatchProcessor(options, log, cursor);
    const failures = new FollowerFailures({
      upstreamName,
      handling,
      isHandled: (notification) => processor.isHandled(notification),
      nearestCauseOf: (notification) => gate.nearestCauseOf(notification),
    });
    const batch = new NextBatch({
      log,
      cursor,
      gates: new Gates(store, upstreamName, gate, types),
      processor,
      failures: replay === undefined ? failures : undefined,
      isOwnLog: upstreamName === store.applicationName,
    });
    this.#log = log;
    this.#cursor = cursor;
    this.#processor = processor;
    this.#batch = batch;
    this.#failures = failures;
    this.#parked = new ParkedRetries({ log, types, failures, processor });
    this.#retries = new BatchRetries({
      cursor,
      owner: store,
      pull: (upTo, lock) => batch.process(upTo, lock),
      failed: () => {
        batch.isAtEnd = false;
      },
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
    return this.#batch.isAtEnd;
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

  /** Makes the next pull read the recorded position, which may have been moved. */
  forget(): void {
    this.#cursor.forget();
    this.#failures.forget();
    this.#batch.isAtEnd = false;
  }

  /** Compares the last notification that is done with the log; see {@link UpstreamCursor.compare}. */
  compare(): Promise<void> {
    return this.#cursor.compare();
  }

  /** Reads the position behind the last notification that is done; see {@link UpstreamCursor.donePosition}. */
  donePosition(): Promise<RecordedPosition> {
    return this.#cursor.donePosition();
  }

  /** Makes the next pull read the storage of the log; see {@link UpstreamLog.compareNext}. */
  compareNext(): void {
    this.#log.compareNext();
  }

  /** Reads the recorded position, and records the types that the policy handles, unless that is done. */
  async locate(): Promise<void> {
    if (!this.#cursor.isLocated) await this.#cursor.locate();
  }

  /** Records the position if notifications were ignored since it was last recorded; see {@link NextBatch.flush}. */
  flush(): Promise<void> {
    return this.#batch.flush();
  }

  /** Processes a parked notification; see {@link ParkedRetries.retry}. */
  async retry(parked: ParkedNotification, signal: AbortSignal | undefined): Promise<boolean> {
    this.#processor.signal = signal;
    await this.locate();
    return this.#parked.retry(parked);
  }

  async #locateAndPull(upTo: number, signal: AbortSignal | undefined): Promise<Pulled> {
    await patiently(() => this.#cursor.locate());
    return this.pull(upTo, signal);
  }

  /** Processes a batch, again and again if other writers are faster or the storage is busy. */
  #pullRepeatedly(upTo: number, signal: AbortSignal | undefined): Pulled | Promise<Pulled> {
    const { seen } = this.#cursor;
    const retries = this.#retries;
    const found = retries.needsLock ? undefined : this.#batch.process(upTo);
    return found === undefined || found instanceof Promise
      ? retries.settle(found, seen, upTo, signal)
      : retries.succeeded(found, seen);
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
        this.#batch.isAtEnd = false;
        await patiently(() => this.#cursor.locate());
        if (retry !== undefined) return retry;
      }
    }
  }
}
