import { clearTimeout, setTimeout } from 'node:timers';
import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { ControlLog } from '../../application/control/control-log.ts';
import { mayPark } from '../../application/error-rules/error-rules.ts';
import { isTransientFailure } from '../../application/failures.ts';
import {
  isBlocking,
  PausedError,
  PolicyRetryError,
  RacesLostError,
} from '../../application/following-errors.ts';
import type { NotificationLog } from '../../application/log/notification-log.ts';
import type { LateEffects } from '../../application/parking/late-effects.ts';
import { ParkingTraces } from '../../application/parking/parking-traces.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { messageOf } from '../../util/errors.ts';
import { blockedBackoff, mustWait } from '../blocked-upstreams.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { interruptionBy, transientBackoff } from '../retry-transient.ts';
import type { ApplicationStatus, Interruption } from '../runner.ts';
import { CommitHold } from './commit-hold.ts';
import type { FollowedLog, FollowingApplication, TypedEvents } from './followed-log.ts';
import { RetryTimer } from './retry-timer.ts';
import type { Wait } from './wait.ts';

/** The diagnostics event of an application on the single-threaded runner. */
export function eventOf(applicationName: string): RunnerEvent {
  return { runner: 'SingleThreadedRunner', applicationName, pipelineId: localPipelineId };
}

/** Logs that followers process one after the other, in the order of their prompts. */
export type Turn = Set<LocalLog>;

/** A log that is followed in this thread. */
export type LocalLog = FollowedLog<LocalApplication>;

/** Callbacks of a {@link LocalApplication}. */
export interface LocalApplicationHooks {
  /** Called when an application may work again. */
  resume(one: LocalApplication): void;
  /** Called when an application has failed. `operationId` is the id of its last operation that was read before. */
  failed(one: LocalApplication, error: unknown, operationId: number): void;
}

/** An application of a system that runs in this thread. */
export class LocalApplication implements FollowingApplication {
  readonly name: string;
  /** Number of the application in the system. */
  readonly index: number;
  readonly application: Application;
  readonly log: NotificationLog;
  readonly recorder: Recorder;
  /** Whether another system, which may be away, serves the log. */
  readonly isRemote: boolean;
  readonly #traces: ParkingTraces;
  readonly #control: ControlLog;
  /** The applications that follow this one, in the order of definition. */
  readonly followers: LocalLog[] = [];
  /** The upstreams of this application, in the order of definition. */
  readonly upstreams: LocalLog[] = [];
  /** Called after an interruption by its storage. */
  readonly retry: RetryTimer;
  /** Makes commits of the application wait for a policy that keeps losing races to them. */
  readonly commitHold: CommitHold = new CommitHold();
  /** Called while a notification waits for another pipeline or another version. */
  readonly blockedRetry: RetryTimer;
  /** Id of the last notification in the log that is known. */
  head = 0;
  /** The turn in which the application is processing notifications. */
  turn: Turn | undefined;
  /** Whether the last run ended because commands kept changing an aggregate that the policy had read. */
  isOvertaken = false;
  /** Timers of logs that rest because of an error rule. */
  readonly #ruledRetries = new Set<NodeJS.Timeout>();
  /** The log in whose processing the last interruption by the storage happened. */
  #troubled: LocalLog | undefined;
  /** The error that stopped the application, and the id of its last operation that was read before. */
  failure: { readonly error: unknown; readonly operationId: number } | undefined;
  /** Last error that stopped or interrupted the application. */
  lastError: unknown;
  readonly #hooks: LocalApplicationHooks;
  /** The loop that runs the application apart from the turns, while its schema is being built. */
  loop: Pick<ApplicationStatus, 'state' | 'interruption'> | undefined;

  constructor(application: Application, index: number, hooks: LocalApplicationHooks) {
    this.application = application;
    this.#hooks = hooks;
    this.name = application.applicationName;
    this.index = index;
    this.log = application.log;
    this.recorder = applicationInternals.storeOf(application).recorder;
    this.isRemote = (application.constructor as unknown as ApplicationClass).remote !== undefined;
    this.#traces = ParkingTraces.of(
      this.recorder,
      mayPark(application.constructor as unknown as ApplicationClass),
    );
    this.#control = ControlLog.of(this.recorder);
    this.retry = new RetryTimer(transientBackoff, () => hooks.resume(this));
    this.blockedRetry = new RetryTimer(blockedBackoff, () => hooks.resume(this));
  }

  /** The application, which follows others. */
  get process(): ProcessApplication {
    return this.application as ProcessApplication;
  }

  /** Whether positions behind ignored notifications are unrecorded, and can be recorded. */
  get isAhead(): boolean {
    if (this.upstreams.length === 0 || this.failure !== undefined) return false;
    return processApplicationInternals.isAhead(this.process);
  }

  get late(): LateEffects | undefined {
    return this.#traces.late;
  }

  get isPaused(): boolean {
    return this.#control.pause !== undefined;
  }

  get isResting(): boolean {
    return this.retry.isPending;
  }

  /** The interruption by its storage, another pipeline or another version, if any. */
  get interruption(): Interruption | undefined {
    if (this.loop !== undefined) return this.loop.interruption;
    if (this.retry.interruption !== undefined) return this.retry.interruption;
    const ruled = this.upstreams.find(({ blockedBy }) => blockedBy instanceof PolicyRetryError)?.blockedBy;
    if (ruled instanceof PolicyRetryError) return interruptionBy(ruled);
    return this.isInterrupted ? this.blockedRetry.interruption : undefined;
  }

  /** Whether the application waits for its storage, another pipeline or another version. */
  get isInterrupted(): boolean {
    return (
      this.retry.interruption !== undefined || this.upstreams.some(({ blockedBy }) => blockedBy !== undefined)
    );
  }

  /**
   * Notes an error in processing a log or recording positions. It stops the application, unless the same work may
   * succeed later.
   */
  noteError(error: unknown, log?: LocalLog): void {
    if (error instanceof PausedError) {
      this.#releaseSaves();
      return;
    }
    this.lastError = error;
    const isInterrupted = isTransientFailure(error);
    this.isOvertaken = error instanceof RacesLostError;
    const event = { ...eventOf(this.name), error };
    if (!isInterrupted) {
      this.#stop(error);
      publish('failed', event);
      return;
    }
    if (log !== undefined && error instanceof PolicyRetryError) {
      publish('interrupted', { ...event, interruption: this.#rest(log, error) });
      return;
    }
    const isBlocked = log !== undefined && mustWait(error, log.upstream.name);
    if (!isBlocked) this.#troubled = log;
    const interruption = isBlocked ? this.#block(log, error) : this.retry.schedule();
    publish('interrupted', { ...event, interruption });
  }

  /** Obeys what people do to the application, until the signal is aborted. */
  async obey(signal: AbortSignal): Promise<void> {
    await this.#control.refresh().catch(() => {}); // the first run fails in the same way
    await this.#traces.find().catch(() => {});
    this.#control.watch(() => this.#obey(), signal);
  }

  /**
   * Notes that a log was processed up to its known end, or that positions were recorded, which ends an interruption in the
   * same work.
   */
  noteSuccess(log?: LocalLog): void {
    if (log !== undefined) log.blockedBy = undefined;
    if (this.#troubled === undefined || this.#troubled === log) this.retry.reset();
  }

  track(wait: Wait, before: number, events: TypedEvents, start: number, end: number): void {
    for (const log of this.followers) log.trackEvents(wait, before, events, start, end);
  }

  trackOne(wait: Wait, notificationId: number): void {
    this.sawHead(notificationId);
    for (const log of this.followers) log.track(notificationId - 1, notificationId, wait, true);
  }

  /** Notes that the log has a notification with this id. */
  sawHead(head: number): void {
    if (head > this.head) this.head = head;
  }

  /** Cancels everything that is scheduled. */
  cancelRetries(): void {
    this.retry.cancel();
    this.blockedRetry.cancel();
    for (const timer of this.#ruledRetries) clearTimeout(timer);
  }

  /** Leaves a log alone until its next notification may be tried again. Its waits wait for that. */
  #rest(log: LocalLog, error: PolicyRetryError): Interruption {
    log.blockedBy = error;
    log.isResting = true;
    const timer = setTimeout(
      () => {
        this.#ruledRetries.delete(timer);
        log.isResting = false;
        this.#hooks.resume(this);
      },
      Math.max(error.nextTryAt - Date.now(), 0),
    );
    this.#ruledRetries.add(timer);
    return interruptionBy(error);
  }

  /** Ends the failure if the application was resumed since. Lets it work, unless it is paused. */
  #obey(): void {
    if (this.failure !== undefined && this.#control.isResumedSince(this.failure.operationId))
      this.failure = undefined;
    if (this.isPaused) this.#releaseSaves();
    for (const log of this.upstreams) log.mayHaveGrown = true;
    this.#hooks.resume(this);
  }

  #releaseSaves(): void {
    for (const log of this.upstreams) log.releaseSaves();
  }

  #stop(error: unknown): void {
    const operationId = this.#control.lastId;
    this.failure = { error, operationId };
    this.#hooks.failed(this, error, operationId);
    for (const log of this.upstreams) log.reject(error);
  }

  /** Rejects the waits for a log, because only another runner can process what its next notification waits for. */
  #block(log: LocalLog, error: unknown): Interruption {
    // One more system that is away does not bring the others back sooner.
    const isNew = isBlocking(error)
      ? messageOf(error) !== messageOf(log.blockedBy)
      : this.upstreams.every(({ blockedBy }) => blockedBy === undefined);
    if (isNew) this.blockedRetry.reset();
    log.blockedBy = error;
    log.reject(error);
    return this.blockedRetry.schedule();
  }
}
