import type { ApplicationClass } from '../application/application.ts';
import type { Pause } from '../application/control/control-log.ts';
import type { Saved } from '../application/recording/save-options.ts';
import type { Operation } from '../operations/operation.ts';
import type { StorageDescription } from '../storage/storage.ts';
import type { System } from '../system/system.ts';
import type { OperationOptions } from './operating/operation-options.ts';
import type { ParkedEvent } from './operating/parked-events.ts';
import type { ParkedFilter } from './operating/parked-filter.ts';
import type { ReplayOptions, ResetOptions } from './operating/repetition-options.ts';

/** State of an application on a runner. */
export type ApplicationState =
  /** The runner opens the application. */
  | 'starting'
  /** The application has no notifications to process. */
  | 'idle'
  /** The application processes notifications, or is about to. */
  | 'running'
  /**
   * The storage fails in a way that may pass, or the application waits for another pipeline or another version; the
   * runner retries.
   */
  | 'interrupted'
  /** The thread or process of the application died and is being replaced. */
  | 'restarting'
  /** The application was paused by `pause()`, and processes nothing until `resume()`. */
  | 'paused'
  /** The application failed and is stopped until `resume()` or the next start of the system. */
  | 'failed'
  /** The application is closed. */
  | 'stopped'
  /** This runner does not run the application; another runner may. */
  | 'elsewhere';

/** Progress of an application in the log of an upstream. */
export interface UpstreamStatus {
  readonly upstreamName: string;
  /** Id of the last notification that is handled or ignored, as far as this thread or the storage knows. */
  readonly position: number;
  /**
   * Number of notifications in the log after the position; negative if the log ends before the position. Parked
   * notifications are before the position, so they do not count.
   */
  readonly lag: number;
  /** Number of parked notifications of the upstream, which the application has put aside and not processed. */
  readonly parked: number;
  /**
   * Whether the log holds the notification that was processed last. If not, as after the log was restored from an older
   * copy, the application stops with `LogMismatchError`.
   */
  readonly fitsLog: boolean;
}

/** Interruption of an application, which retries without limit until the trouble has passed. */
export interface Interruption {
  /** When the first try failed, in ms since 1970. */
  readonly since: number;
  /** Number of tries that have failed in a row. */
  readonly tries: number;
  /** When the next try begins, in ms since 1970. */
  readonly nextTryAt: number;
}

/** A schema of a projection that is being built. */
export interface SchemaBuilding {
  /** Number of the schema. */
  readonly schema: number;
  /** Number of the live schema, which readers see meanwhile. */
  readonly live: number;
}

/** Progress of a replay. */
export interface ReplayStatus {
  readonly id: string;
  readonly upstreamName: string;
  /** Types of the events that are handled again; undefined for all that the policy handles. */
  readonly types: readonly string[] | undefined;
  /** Id of the notification before the first one. */
  readonly from: number;
  /** Id of the last notification. */
  readonly to: number;
  /** Id of the last notification that is done. */
  readonly position: number;
  /** Message of the error on which the replay failed; undefined while it runs. */
  readonly error: string | undefined;
}

/** State and progress of an application. */
export interface ApplicationStatus {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly state: ApplicationState;
  /** Progress by upstream; empty while the storage cannot be read. */
  readonly upstreams: readonly UpstreamStatus[];
  /**
   * Last error that stopped or interrupted the application since the start, if any. `OtherVersionError` says which event
   * another version of the application has to process.
   */
  readonly lastError: unknown;
  /** The interruption, while the state is `interrupted` and the time of the next try is known. */
  readonly interruption: Interruption | undefined;
  /** Replays that run or have failed, the oldest first; missing if there are none. */
  readonly replays?: readonly ReplayStatus[];
  /** Who paused the application, why and when; undefined if it is not paused. A failed application may be paused, too. */
  readonly pause: Pause | undefined;
  /** The schema that is being built, while the application is a projection whose schema was never live. */
  readonly building?: SchemaBuilding;
}

/** Options of the methods of a runner that wait. */
export interface WaitOptions {
  /** Ends the wait; the reason of the signal is thrown. Processing continues. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link SystemRunner.processed}. */
export interface ProcessedOptions<Apps extends ApplicationClass = ApplicationClass> extends WaitOptions {
  /** Class of the application that is waited for. */
  readonly by: Apps;
}

/** A running system. Close it, or declare it with `await using`. */
export interface SystemRunner<Apps extends ApplicationClass = ApplicationClass> extends AsyncDisposable {
  /** The system that runs. */
  readonly system: System;
  /**
   * Storage of the system.
   *
   * @throws {@link RunnerClosedError} if the runner is closed.
   */
  readonly storage: StorageDescription;
  /**
   * Returns the application of this class in a pipeline; without a pipeline, in the first pipeline that the runner
   * runs. The application stays in its pipeline.
   *
   * @throws {@link UnknownApplicationError} if the class is not an application of the system.
   * @throws {@link InvalidOptionError} if the runner does not run that pipeline. Only `MultiprocessRunner`, which shares
   * a system with runners on other hosts, accepts every pipeline.
   * @throws {@link InvalidIdError} if the pipeline id is not an integer from 0 to 2147483647.
   */
  get<A extends Apps>(applicationClass: A, pipelineId?: number): InstanceType<A>;
  /**
   * Resolves when everything that follows from exactly this save is processed: its events, the events that policies
   * recorded for them, and so on, through all applications, in this process and elsewhere. Other events are not waited
   * for, so it resolves under steady load, too. An application that retries is waited for. A projection whose schema is
   * being built is not.
   *
   * @param saved What `save()` resolved with, in this process or another one.
   * @example
   * const saved = await runner.get(Orders).save(Order.place('ada'));
   * await runner.settled(saved, { signal: AbortSignal.timeout(5_000) });
   * @throws {@link DownstreamError} if an application of this runner has failed before it processed what is waited for.
   * @throws {@link InvalidArgumentError} if `saved` is no save, or is not recorded in the storage of this runner.
   * @throws {@link UnknownApplicationError} if the save belongs to an application of another system.
   * @throws {@link InvalidOptionError} if this runner does not run the pipeline of the save.
   * @throws {@link InvalidPolicyError} if a policy calls this method.
   */
  settled(saved: Saved, options?: WaitOptions): Promise<void>;
  /**
   * Resolves when an application has processed everything that follows from exactly this save and reaches the
   * application, directly or through others. Only applications on the way are waited for.
   *
   * @param saved What `save()` resolved with, in this process or another one.
   * @example
   * const saved = await runner.get(Orders).save(Order.place('ada'));
   * await runner.processed(saved, { by: Payments });
   * @throws {@link InvalidArgumentError} if no pipeline leads from the application of the save to this one.
   * @throws the errors of {@link settled}.
   */
  processed(saved: Saved, options: ProcessedOptions<Apps>): Promise<void>;
  /**
   * Resolves when everything that was recorded before the call is processed, and everything that follows from it. Events
   * that others save meanwhile are not waited for.
   *
   * @throws {@link DownstreamError} if an application has failed; the others have caught up.
   * @throws {@link InvalidPolicyError} if a policy calls this method.
   */
  caughtUp(options?: WaitOptions): Promise<void>;
  /** Reads the state and progress of all applications from the storage, in the order of definition. */
  status(): Promise<readonly ApplicationStatus[]>;
  /**
   * Pauses an application on all hosts, until {@link resume} is called, also across restarts. Its followers process nothing
   * more: on a single thread from the end of the batch under way on, elsewhere within about a second. Commands of the
   * application are recorded as before, and saves on a single thread do not wait for it. `settled()`, `processed()` and
   * `caughtUp()` wait for it.
   *
   * Resolves when it is recorded who did it and why: with false, and without a record, if the application was paused
   * already. The caller decides who may call it.
   *
   * @example
   * await runner.pause(Payments, { by: 'ada', reason: 'the bank is closed' });
   * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
   * @throws {@link UnknownApplicationError} if the class is not an application of the system.
   * @throws {@link InvalidArgumentError} if the application follows no other.
   * @throws {@link InvalidPolicyError} if a policy calls this method.
   * @throws {@link StorageError} if the storage fails.
   */
  pause(application: Apps, options: OperationOptions): Promise<boolean>;
  /**
   * Makes an application continue that is paused or has failed, on all hosts within about a second. It continues where it
   * was: a notification on which it failed is tried again.
   *
   * Resolves when it is recorded who did it and why: with false, and without a record, if the application is not paused and
   * has not failed on any host since it was last resumed.
   *
   * @example
   * await runner.resume(Payments, { by: 'ada', reason: 'the bank is open' });
   * @throws the errors of {@link pause}.
   */
  resume(application: Apps, options: OperationOptions): Promise<boolean>;
  /**
   * Moves the position of an application in the log of an upstream, on all hosts within about a second. Resolves with the
   * position before, when it is recorded who did it and why.
   *
   * With an earlier place, the application processes the events after it again, before new ones, with
   * `context.isReplay`. It leaves out the events whose effects are in its log, so that no event is recorded twice. Rows and
   * calls of other systems are up to the handlers. With a later place, it skips events.
   *
   * @example
   * await using runner = await run(shop, { storage: memory() });
   * await runner.reset(Payments, { upstream: Orders, at: 'start', by: 'ada', reason: 'a handler was mended' });
   * @throws {@link InvalidPositionError} if the log of the upstream has no notification `at`.
   * @throws {@link InvalidArgumentError} if the application does not follow the upstream, is a projection, or defines events
   * outside of the log; if a replay of the upstream runs, or events after the place are parked.
   * @throws the errors of {@link pause}.
   */
  reset(application: Apps, options: ResetOptions<Apps>): Promise<number>;
  /**
   * Hands past events of an upstream to an application again, beside new ones, up to its position at the time of the call:
   * to a handler that is new, or has changed. Handlers read `context.isReplay` and `context.sideEffects`. Events whose
   * effects are in the log of the application are left out, and the others are handled once, whatever crashes. An error of
   * the policy ends the replay, which {@link status} shows.
   *
   * Resolves with the id of the replay, when it is recorded who asked for it and why.
   *
   * @example
   * await using runner = await run(shop, { storage: memory() });
   * await runner.replay(Payments, { types: ['Order.Reserved'], sideEffects: false, by: 'ada', reason: 'a new handler' });
   * @throws {@link InvalidPositionError} if the log of the upstream has no notification `from` or `to`.
   * @throws the errors of {@link reset}.
   */
  replay(application: Apps, options: ReplayOptions<Apps>): Promise<string>;
  /**
   * Ends a replay on all hosts: what it has recorded stays. Resolves with false if no replay with this id runs.
   *
   * @throws the errors of {@link pause}.
   */
  cancelReplay(application: Apps, id: string, options: OperationOptions): Promise<boolean>;
  /**
   * Reads the parked notifications of an application, in the order in which they were parked, pipeline by pipeline, with the
   * errors for which they are parked.
   *
   * @example
   * for await (const { notificationId, error } of runner.parked(Payments, { upstream: Orders }))
   *   console.log(notificationId, error?.message);
   * @throws {@link InvalidOptionError} if a field of the filter is unknown, or its value does not fit.
   * @throws {@link UnknownApplicationError} if a class is not an application of the system.
   * @throws {@link InvalidArgumentError} if the application follows no other.
   * @throws {@link InvalidPolicyError} if a policy calls this method.
   * @throws {@link StorageError} if the storage fails.
   */
  parked(application: Apps, filter?: ParkedFilter): AsyncGenerator<ParkedEvent, void, undefined>;
  /**
   * Has parked notifications of an application retried, in the order in which they were parked: followers on all hosts
   * process them within about a second, before new notifications, each exactly once. Resolves with their number when they
   * are marked as due and it is recorded who did it and why, in transactions of up to 100 notifications. Notifications that
   * fail again are parked again.
   *
   * @param filter The notifications; `{}` for all.
   * @example
   * const retried = await runner.retry(Payments, {}, { by: 'ada', reason: 'the bank is open' });
   * @throws {@link ParkedConflictError} if followers change the same notifications again and again: repeat the call.
   * @throws the errors of {@link pause}.
   */
  retry(application: Apps, filter: ParkedFilter, options: OperationOptions): Promise<number>;
  /**
   * Deletes parked notifications of an application, which are then never processed. Resolves with their number when they are
   * deleted and it is recorded who did it, why, and which notifications they were, in transactions of up to 100.
   *
   * @param filter The notifications; `{}` for all.
   * @example
   * await runner.discard(Payments, { errorName: 'TypeError' }, { by: 'ada', reason: 'test orders' });
   * @throws the errors of {@link retry}.
   */
  discard(application: Apps, filter: ParkedFilter, options: OperationOptions): Promise<number>;
  /**
   * Reads what people and tools did to the applications, as {@link listOperations} does: application by application in the
   * order of definition, the oldest operations first.
   *
   * @example
   * for await (const { applicationName, kind, by, reason } of runner.operations())
   *   console.log(applicationName, kind, by, reason);
   * @throws {@link StorageError} if the storage fails.
   */
  operations(): AsyncGenerator<Operation, void, undefined>;
  /** Finishes the work under way and releases everything. Further calls do nothing. */
  close(): Promise<void>;
}
