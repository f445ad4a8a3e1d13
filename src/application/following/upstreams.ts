import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import type { Replay } from '../control/operation-kinds.ts';
import { ErrorRules } from '../error-rules/error-rules.ts';
import { FailureHandling } from '../error-rules/failure-handling.ts';
import { InvalidApplicationError } from '../errors.ts';
import { type BlockingError, PausedError } from '../following-errors.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { BeginningDeclaration } from '../replaying/beginning.ts';
import { positionNameOf } from '../replaying/repetitions.ts';
import type { BatchProcessorOptions, Progress } from './batches/batch-options.ts';
import { CausalGate } from './causality/causal-gate.ts';
import { Follower } from './follower.ts';
import { ObeyedOperations } from './obeyed-operations.ts';
import { processDue } from './parked-pass.ts';
import { type ProcessedCounts, type RunOptions, UpstreamRun } from './upstream-run.ts';

/** What is needed to follow a log. */
interface FollowedLog {
  readonly log: NotificationLog;
  readonly options: BatchProcessorOptions;
}

/** What the followers of an application share. */
interface SharedByFollowers {
  readonly gate: CausalGate;
  readonly handling: FailureHandling;
  readonly operations: ObeyedOperations;
}

/** The upstreams of an application in one pipeline. */
export class Upstreams {
  readonly #applicationName: string;
  readonly #followers = new Map<string, Follower>();
  /** What is needed to follow the logs a second time, by the names of their applications. */
  readonly #logs = new Map<string, FollowedLog>();
  #intermediates: ReadonlyMap<string, Recorder> = new Map();
  /** Undefined before the first log is followed. */
  #shared: SharedByFollowers | undefined;

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
    this.#shared ??= this.#share(options.store, rules);
    const { gate, handling } = this.#shared;
    this.#logs.set(log.applicationName, { log, options });
    const follower = new Follower({ log, gate, handling, declaration, ...options });
    this.#followers.set(log.applicationName, follower);
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

  /**
   * Processes new notifications of one upstream, or of all, and the notifications of other upstreams from which they
   * follow.
   *
   * @throws {@link CausalDependencyError} if a notification waits for another pipeline, or {@link OtherVersionError} if it
   * waits for another version; all notifications that need not wait are processed.
   * @throws {@link PausedError} if the application is paused.
   */
  run(options: RunOptions): ProcessedCounts | Promise<ProcessedCounts> {
    const { upstreamName } = options;
    if (upstreamName !== undefined) this.#get(upstreamName); // throws if it is not followed
    if (this.#shared === undefined) return new Map();
    const { operations, handling } = this.#shared;
    if (!operations.isFree) return this.#runUnlessPaused(operations, options);
    operations.obey();
    if (!handling.mayBeDue) return this.#run(operations, options);
    return processDue(handling, this.#followers, operations, options.signal).then(() =>
      this.#run(operations, options),
    );
  }

  /** Processes a batch of one upstream and of no other; see {@link Follower.pull}. */
  pull(
    upstreamName: string,
    upTo: number,
    signal?: AbortSignal,
  ): number | BlockingError | Promise<number | BlockingError> {
    const follower = this.#get(upstreamName);
    const { operations, handling } = this.#shared as SharedByFollowers;
    const refreshing = operations.refreshIfDue();
    if (refreshing !== undefined) return refreshing.then(() => this.pull(upstreamName, upTo, signal));
    operations.obey();
    const pull = () => follower.pull(upTo, signal);
    return handling.mayBeDue
      ? processDue(handling, this.#followers, operations, signal).then(pull, pauseIn)
      : pull();
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

  /** Makes the next run read the storage of each log; see {@link UpstreamLog.compareNext}. */
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

  #share(store: EventStore, rules: ErrorRules): SharedByFollowers {
    const gate = new CausalGate(store, this.#intermediates, rules.mayPark);
    const handling = new FailureHandling(store, rules);
    const moved = () => {
      for (const follower of this.#followers.values()) follower.forget();
    };
    const operations = new ObeyedOperations(store, {
      restored: () => {
        gate.forget();
        handling.forget();
        moved();
      },
      moved,
      retried: () => {
        handling.mayBeDue = true;
      },
    });
    return { gate, handling, operations };
  }

  /** Reads whether the application is paused, if that is not known or known for a second, and runs if it is not. */
  async #runUnlessPaused(operations: ObeyedOperations, options: RunOptions): Promise<ProcessedCounts> {
    await operations.refreshIfDue();
    operations.assertNotPaused();
    return await this.run(options);
  }

  #run(operations: ObeyedOperations, options: RunOptions): ProcessedCounts | Promise<ProcessedCounts> {
    const { upstreamName } = options;
    const run = new UpstreamRun(this.#followers, operations, options);
    return upstreamName === undefined ? run.all() : run.of(this.#get(upstreamName));
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
