import { performance } from 'node:perf_hooks';
import type { StorageError } from '../../storage/errors.ts';
import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import { isAway } from '../../storage/remote/errors.ts';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { ControlLog } from '../control/control-log.ts';
import type { Replay } from '../control/operation-kinds.ts';
import { ErrorRules } from '../error-rules/error-rules.ts';
import { FailureHandling } from '../error-rules/failure-handling.ts';
import { InvalidApplicationError } from '../errors.ts';
import { isTransientFailure } from '../failures.ts';
import { type BlockingError, dependencyWithin, isBlocking, PausedError } from '../following-errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import type { BeginningDeclaration } from '../replaying/beginning.ts';
import { positionNameOf } from '../replaying/repetitions.ts';
import type { BatchProcessorOptions, Progress } from './batches/batch-options.ts';
import { CausalGate } from './causality/causal-gate.ts';
import { Follower } from './follower.ts';
import { processDue } from './parked-pass.ts';

/** Options of {@link ProcessApplication.run}. */
export interface RunOptions {
  /** Upstream whose log is read. @default all upstreams */
  readonly upstreamName?: string;
  /** Largest number of batches processed for each log. @default no limit */
  readonly batches?: number;
  /** Id of the last notification that is processed. Its causes in other logs are processed first. @default no limit */
  readonly upTo?: number;
  /** Ends the run before the next batch; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal;
}

/** Number of notifications processed of each upstream, by name. */
export type ProcessedCounts = ReadonlyMap<string, number>;

/** What is needed to follow a log. */
interface FollowedLog {
  readonly log: NotificationLog;
  readonly options: BatchProcessorOptions;
}

/** The upstreams of an application in one pipeline. */
export class Upstreams {
  readonly #applicationName: string;
  readonly #followers = new Map<string, Follower>();
  #intermediates: ReadonlyMap<string, Recorder> = new Map();
  #gate: CausalGate | undefined;
  /** What is needed to follow the logs a second time, by the names of their applications. */
  readonly #logs = new Map<string, FollowedLog>();
  /** Last operation that moved a position, as far as the followers obey it. */
  #obeyedResetId = 0;
  /** Number of restores of the storage, as far as the followers know of them. */
  #restores = 0;
  #control: ControlLog | undefined;
  #handling: FailureHandling | undefined;
  /** Id of the last operation that had parked notifications retried, as far as it is obeyed. */
  #lastRetryId = 0;

  constructor(applicationName: string) {
    this.#applicationName = applicationName;
  }

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  /** Names the recorders of applications that are not followed and through whose logs causes are found. */
  setIntermediates(recorders: ReadonlyMap<string, Recorder>): void {
    this.#intermediates = recorders;
  }

  /** Follows a log from the recorded position, which is read when the log is pulled next. */
  follow(
    log: NotificationLog,
    rules: ErrorRules,
    options: BatchProcessorOptions,
    declaration?: BeginningDeclaration,
  ): void {
    const { store } = options;
    this.#control ??= ControlLog.of(store.recorder);
    this.#gate ??= new CausalGate(store, this.#intermediates, rules.mayPark);
    this.#handling ??= new FailureHandling(store, rules);
    this.#logs.set(log.applicationName, { log, options });
    const shared = { gate: this.#gate, handling: this.#handling, declaration };
    this.#followers.set(log.applicationName, new Follower({ log, ...shared, ...options }));
  }

  /** Returns a follower that processes a replay; undefined if its upstream is not followed here. */
  followerOf(replay: Replay): Follower | undefined {
    const followed = this.#logs
      .values()
      .find(({ log, options }) => options.store.recordedNameOf(log.applicationName) === replay.upstreamName);
    if (followed === undefined) return undefined;
    const { log, options } = followed;
    const positionName = positionNameOf(replay);
    const { types, sideEffects } = replay;
    const gate = new CausalGate(options.store, new Map(), false); // the causes of what is replayed were processed before
    const progressed = (progress: Progress) =>
      options.progressed({ ...progress, upstreamName: positionName });
    // A replay parks nothing: it ends at a notification on which it fails.
    const handling = new FailureHandling(options.store, new ErrorRules({}));
    return new Follower({
      log,
      gate,
      handling,
      ...options,
      replay: { positionName, types, sideEffects },
      progressed,
    });
  }

  /** Makes the followers read their positions again, if an operation or a restore of the storage has moved any. */
  #obey(): void {
    const { repetitions, restores = 0 } = this.#control ?? {};
    const { lastResetId = 0 } = repetitions ?? {};
    if (lastResetId === this.#obeyedResetId && restores === this.#restores) return;
    if (restores !== this.#restores) {
      this.#gate?.forget();
      this.#handling?.forget();
    }
    this.#obeyedResetId = lastResetId;
    this.#restores = restores;
    for (const follower of this.#followers.values()) follower.forget();
  }

  /**
   * Processes new notifications of one upstream, or of all, and the notifications of other upstreams from which they
   * follow.
   *
   * @throws {@link CausalDependencyError} if a notification waits for another pipeline, or {@link OtherVersionError} if it
   * waits for another version; all notifications that need not wait are processed.
   * @throws {@link PausedError} if the application is paused.
   */
  run(options: RunOptions): ProcessedCounts | Promise<ProcessedCounts> {
    if (this.#control?.isFree === false) return this.#runUnlessPaused(this.#control, options);
    this.#obey();
    this.#noteRetries();
    return this.#handling?.mayBeDue
      ? this.#processDue(options.signal).then(() => this.#run(options))
      : this.#run(options);
  }

  #run(options: RunOptions): ProcessedCounts | Promise<ProcessedCounts> {
    const { upstreamName } = options;
    const counts = new Map<string, number>();
    if (upstreamName === undefined) return this.#runAll(options, counts);
    return this.#runOne(this.#get(upstreamName), options, counts);
  }

  /** Processes a batch of one upstream and of no other; see {@link Follower.pull}. */
  pull(
    upstreamName: string,
    upTo: number,
    signal?: AbortSignal,
  ): number | BlockingError | Promise<number | BlockingError> {
    const refreshing = this.#control?.refreshIfDue();
    if (refreshing !== undefined) return refreshing.then(() => this.pull(upstreamName, upTo, signal));
    this.#obey();
    this.#noteRetries();
    const pull = () => this.#get(upstreamName).pull(upTo, signal);
    return this.#handling?.mayBeDue ? this.#processDue(signal).then(pull, pauseIn) : pull();
  }

  /** Id of the last notification of an upstream that is handled or ignored. */
  seen(upstreamName: string): number {
    return this.#get(upstreamName).seen;
  }

  /** Whether notifications were ignored since the positions were last recorded. */
  get areAhead(): boolean {
    for (const follower of this.#followers.values()) if (follower.isAhead) return true;
    return false;
  }

  /**
   * Reads the position behind the last notification of an upstream that is done; see {@link UpstreamCursor.donePosition}.
   * Returns undefined for an upstream that is not followed here.
   */
  donePosition(upstreamName: string): Promise<RecordedPosition> | undefined {
    return this.#followers.get(upstreamName)?.donePosition();
  }

  /** Compares the last notifications that are done with the logs; see {@link UpstreamCursor.compare}. */
  async compare(): Promise<void> {
    for (const follower of this.#followers.values()) await follower.compare();
  }

  /** Makes the next run read the storage of each log; see {@link UpstreamCursor.compareNext}. */
  compareNext(): void {
    for (const follower of this.#followers.values()) follower.compareNext();
  }

  /** Reads the recorded positions, and records the types that the policy handles. */
  async locate(): Promise<void> {
    for (const follower of this.#followers.values()) await follower.locate();
  }

  /** Records positions after ignored notifications. */
  async flush(): Promise<void> {
    for (const follower of this.#followers.values()) await follower.flush();
  }

  /** Reads whether the application is paused, if that is not known or known for a second, and runs if it is not. */
  async #runUnlessPaused(control: ControlLog, options: RunOptions): Promise<ProcessedCounts> {
    await control.refreshIfDue();
    this.#assertNotPaused();
    return await this.run(options);
  }

  /** Lets others work, or reads what people have done, if it is time for that. Returns no promise if it is not. */
  #rest(): Promise<void> | undefined {
    const now = performance.now();
    return yieldIfDue(now) ?? this.#control?.refreshIfDue(now);
  }

  #assertMayContinue(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#assertNotPaused();
  }

  #assertNotPaused(): void {
    const pause = this.#control?.pause;
    if (pause !== undefined) throw new PausedError(this.#applicationName, pause);
  }

  /** Looks for due notifications if people had parked ones retried since the last run. */
  #noteRetries(): void {
    const lastRetryId = this.#control?.lastRetryId ?? 0;
    if (lastRetryId === this.#lastRetryId) return;
    this.#lastRetryId = lastRetryId;
    if (this.#handling !== undefined) this.#handling.mayBeDue = true;
  }

  /** Processes the parked notifications that are due. After a failure, the next run does so again. */
  async #processDue(signal: AbortSignal | undefined): Promise<void> {
    const handling = this.#handling as FailureHandling;
    handling.mayBeDue = false;
    try {
      await processDue(handling, this.#followers, signal, async () => {
        await this.#rest();
        this.#assertMayContinue(signal);
      });
    } catch (error) {
      handling.mayBeDue = true;
      throw error;
    }
  }

  async #runAll(options: RunOptions, counts: Map<string, number>): Promise<ProcessedCounts> {
    let waiting: BlockingError | StorageError | undefined;
    for (const follower of this.#followers.values()) {
      try {
        await this.#runOne(follower, options, counts);
      } catch (error) {
        if (!isBlocking(error) && !isAway(error, follower.upstreamName)) throw error;
        waiting ??= error; // go through the other upstreams: the other pipeline may wait for them
      }
    }
    if (waiting !== undefined) throw waiting;
    return counts;
  }

  /** Processes batches of an upstream and, while its next notification waits for another upstream, of that upstream. */
  #runOne(
    follower: Follower,
    options: RunOptions,
    counts: Map<string, number>,
  ): ProcessedCounts | Promise<ProcessedCounts> {
    options.signal?.throwIfAborted();
    const pulled = follower.pull(options.upTo, options.signal);
    if (typeof pulled !== 'number' || !follower.isAtEnd) return this.#goOn(follower, pulled, options, counts);
    add(counts, follower, pulled);
    return counts;
  }

  /** Waits for a batch, and processes the next ones. If that fails, records positions after ignored notifications. */
  async #goOn(
    follower: Follower,
    first: ReturnType<Follower['pull']>,
    options: RunOptions,
    counts: Map<string, number>,
  ): Promise<ProcessedCounts> {
    const { batches = Infinity, upTo, signal } = options;
    let pulled = first;
    try {
      for (let batch = 1; ; batch += 1) {
        const count = pulled instanceof Promise ? await pulled : pulled;
        if (typeof count === 'number') add(counts, follower, count);
        else await this.#pullCause(follower, count, options, counts);
        if (follower.isAtEnd || batch === batches) return counts;
        const resting = this.#rest();
        if (resting !== undefined) await resting;
        this.#assertMayContinue(signal);
        pulled = follower.pull(upTo, signal);
      }
    } catch (error) {
      // The application stops. If its storage fails now, the next start reads these notifications again.
      if (!isTransientFailure(error) && !signal?.aborted) await this.flush().catch(() => {});
      throw error;
    }
  }

  /**
   * Processes a batch of the upstream for which a follower waits or, while that waits too, of the next one. What a
   * notification follows from was recorded before it, so no two upstreams wait for each other.
   */
  async #pullCause(
    follower: Follower,
    blocked: BlockingError,
    { upTo, signal }: RunOptions,
    counts: Map<string, number>,
  ): Promise<void> {
    const passed = new Set([follower]);
    for (let waiting = blocked; ; ) {
      const dependency = dependencyWithin(waiting);
      const next = dependency && this.#followers.get(dependency.applicationName);
      if (next === undefined || passed.has(next)) throw waiting;
      passed.add(next);
      const count = await next.pull(upTo === undefined ? undefined : dependency?.notificationId, signal);
      if (count === 0) throw waiting; // the log ends before the cause
      if (typeof count === 'number') {
        add(counts, next, count);
        return;
      }
      waiting = count;
    }
  }

  #get(upstreamName: string): Follower {
    const follower = this.#followers.get(upstreamName);
    if (follower !== undefined) return follower;
    throw new InvalidApplicationError(
      `Application '${this.#applicationName}' does not follow '${upstreamName}': call follow() with its log first.`,
    );
  }
}

/** Returns an error if it says that the application is paused. */
function pauseIn(error: unknown): PausedError {
  if (error instanceof PausedError) return error;
  throw error;
}

/** Adds a number of processed notifications to those of an upstream. */
function add(counts: Map<string, number>, { upstreamName }: Follower, count: number): void {
  counts.set(upstreamName, (counts.get(upstreamName) ?? 0) + count);
}
