import type { DomainEvent } from '../domain/event.ts';
import type { RecordedPosition, Recorder } from '../storage/recorder.ts';
import { inRootContext } from '../util/environment/root-context.ts';
import { kindOf } from '../util/errors.ts';
import { isId } from '../util/ids.ts';
import { Mutex } from '../util/mutex.ts';
import { abortSignal, integer, ruleOf } from '../util/option-rules.ts';
import { assertOption, InvalidArgumentError, type OptionRules, resolveOptions } from '../util/options.ts';
import { Application, type ApplicationClass, applicationInternals } from './application.ts';
import { ControlLog } from './control/control-log.ts';
import { ErrorRules } from './error-rules/error-rules.ts';
import { InvalidApplicationError, PipelineFixedError } from './errors.ts';
import type { Progress } from './following/batches/batch-options.ts';
import { batchSizeRule } from './following/batches/batch-size.ts';
import type { ProcessedCounts, RunOptions } from './following/upstream-run.ts';
import { Upstreams } from './following/upstreams.ts';
import type { BlockingError } from './following-errors.ts';
import type { NotificationLog } from './log/notification-log.ts';
import { ParkingUnsupportedError } from './parking/errors.ts';
import { handledTwice } from './policy/own-events.ts';
import type { Policy, PolicyHandler, PolicyHandlers } from './policy/policy.ts';
import type { PolicyNeeds, RowsOf } from './policy/policy-context.ts';
import { policyOf } from './policy/policy-definition.ts';
import { schemaIn } from './projection/schema-recorder.ts';
import type { EventStore } from './recording/event-store.ts';
import { ReplayBatches, type ReplayOptions } from './replaying/replay-batches.ts';
import { ReplayLoop } from './replaying/replay-loop.ts';

const runOptions: OptionRules<RunOptions> = {
  upstreamName: ruleOf('the name of an upstream', isId),
  batches: integer({ least: 1 }),
  upTo: integer({ least: 0 }),
  signal: abortSignal(),
};

/** Operations on process applications that only runners may call. */
export interface ProcessApplicationInternals {
  /**
   * Names the recorders of applications that lie between the upstreams of an application and are not followed, see
   * `intermediatesOf`. Causes are found through their logs. Must be called before the first `follow`.
   */
  setIntermediates<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    recorders: ReadonlyMap<string, Recorder>,
  ): void;
  /**
   * Reads the recorded positions, and records the types of events that the application handles, so that older versions
   * leave them. An error is not thrown: the first run fails in the same way.
   */
  locate<Follows extends DomainEvent>(application: ProcessApplication<DomainEvent, Follows>): Promise<void>;
  /**
   * As {@link ProcessApplication.run}, but resolves with the number of notifications of each upstream. Returns no promise
   * if nothing is read or recorded, as for notifications in memory that are ignored.
   */
  run<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    options: RunOptions,
  ): ProcessedCounts | Promise<ProcessedCounts>;
  /**
   * Processes a batch of one upstream and of no other, none after `upTo`. Resolves with the number of notifications, or
   * with an error if the next one waits for another log or another version.
   */
  pull<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    upstreamName: string,
    upTo: number,
    signal?: AbortSignal,
  ): Promise<number | BlockingError>;
  /** Calls the listener after each batch. Replaces the listener of an earlier call. */
  watch<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    listener: (progress: Progress) => void,
  ): void;
  /** Returns the id of the last notification of an upstream that the application has handled or ignored. */
  seen<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    upstreamName: string,
  ): number;
  /** Returns whether notifications were ignored since the positions were last recorded. */
  isAhead<Follows extends DomainEvent>(application: ProcessApplication<DomainEvent, Follows>): boolean;
  /**
   * Reads the recorded position in the log of an upstream. If this object has ignored notifications since, and could
   * record the position behind them now, returns that position.
   */
  donePosition(application: Application, upstreamName: string): Promise<RecordedPosition>;
  /** Throws {@link LogMismatchError} if the log of an upstream does not hold the notification that is done last. */
  compareLogs<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
  ): Promise<void>;
  /**
   * Processes the replays of the application until the signal is aborted. Calls `recorded` when the position of a replay was
   * recorded behind more notifications.
   */
  replay<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
    signal: AbortSignal,
    recorded?: () => void,
  ): Promise<void>;
  /** Returns the replays of the application, for a runner that processes them batch by batch. */
  replaysOf<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
  ): ReplayBatches;
  /** Returns what people did to the application: whether it is paused, and when it was resumed. */
  controlOf<Follows extends DomainEvent>(application: ProcessApplication<DomainEvent, Follows>): ControlLog;
  /** Records positions after ignored notifications. Without this call they are recorded with the next events. */
  recordPositions<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
  ): Promise<void>;
}

export let processApplicationInternals: ProcessApplicationInternals;

/**
 * An application that follows others. Its policy handles each of their events, and its changes are recorded together
 * with the position in their log, so that every event is processed exactly once.
 *
 * @example
 * class Orders extends ProcessApplication<OrderEvent, ReservationEvent> {
 *   static readonly applicationName = 'orders';
 *   static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
 *
 *   override readonly policy = this.when({
 *     'Reservation.Created': async (event, repository) => {
 *       const order = await repository.get(Order, event.data.orderId);
 *       order.reserve(event.originatorId);
 *     },
 *   });
 * }
 *
 * await using runner = await run(System.of([[Orders, Reservations, Orders]]), { storage: memory() });
 * await runner.get(Orders).save(Order.place('ada'));
 */
export abstract class ProcessApplication<
  out Emits extends DomainEvent = DomainEvent,
  Follows extends DomainEvent = DomainEvent,
  out Needs extends PolicyNeeds = PolicyNeeds,
> extends Application<Emits, Needs> {
  readonly #upstreams = new Upstreams(this.applicationName);
  readonly #turns = new Mutex();
  #progressed: ((progress: Progress) => void) | undefined;

  /** Handlers of the events that the application follows, made with `this.when`. */
  abstract readonly policy: Policy<Follows, Emits>;

  /**
   * Makes a policy from a handler for each type of event, and an optional handler for all other types.
   *
   * @throws {@link InvalidPolicyError} if a handler is not a function.
   */
  protected when(
    handlers: PolicyHandlers<Follows, Emits, Needs>,
    otherwise?: PolicyHandler<Follows, Emits, Needs>,
  ): Policy<Follows, Emits> {
    return policyOf(this.constructor as unknown as ApplicationClass, handlers, otherwise);
  }

  override changePipeline(pipelineId: number): void {
    if (!this.#upstreams.isEmpty) throw new PipelineFixedError(this.applicationName, this.pipelineId);
    super.changePipeline(pipelineId);
  }

  /**
   * Follows the log of an upstream from the recorded position. Runners call this method; call it yourself for an
   * application that you opened without a runner, and then {@link run}.
   *
   * @param batchSize Largest number of notifications processed in one transaction, 500 by default.
   * @throws {@link InvalidArgumentError} if `log` is not a notification log, or that of a renamed application whose class
   * is not part of the system through which this application was opened.
   * @throws {@link InvalidOptionError} if `batchSize` is not an integer >= 1.
   * @throws {@link ParkingUnsupportedError} if a rule of `errorRules` parks notifications and the storage keeps none.
   * @throws {@link InvalidApplicationError} if the log is the application's own and `applyPolicyToGeneratedEvents` is true.
   */
  follow(log: NotificationLog, batchSize: number = batchSizeRule.default): void {
    if (typeof log?.select !== 'function') {
      const call = `${this.constructor.name}.follow()`;
      throw new InvalidArgumentError(`${call} takes the log of an application, not ${kindOf(log)}.`);
    }
    assertOption('batchSize', batchSize, batchSizeRule, `${this.constructor.name}.follow()`);
    const store = applicationInternals.storeOf(this);
    assertSameName(store, log);
    const policy = this.policy as unknown as Policy;
    if (policy.handlesOwnEvents && log.applicationName === this.applicationName)
      throw new InvalidApplicationError(handledTwice(this.applicationName));
    const grown = (head: number) => applicationInternals.publish(this, store.pipelineId, head);
    const progressed = (progress: Progress) => this.#progressed?.(progress);
    const { resources } = this;
    const pace = schemaIn(store.recorder)?.pace;
    const declaration = this.constructor as unknown as ApplicationClass;
    const rules = new ErrorRules(declaration);
    if (rules.mayPark && store.recorder.parked === undefined)
      throw new ParkingUnsupportedError(this.applicationName);
    const { handlerTimeoutMs } = declaration;
    const options = { store, policy, batchSize, resources, handlerTimeoutMs, pace, grown, progressed };
    const beginning = declaration.begins === undefined ? undefined : declaration;
    this.#upstreams.follow(log, rules, options, beginning);
  }

  /**
   * Processes new notifications of the upstreams that the application follows, and resolves with their number. A
   * notification is processed after its causes in the logs of the other upstreams. Concurrent calls run one after the
   * other.
   *
   * @throws {@link InvalidOptionError} if an option is unknown or has an invalid value.
   * @throws {@link PolicyError} for the first notification that cannot be processed; all before it are recorded.
   * @throws {@link CausalDependencyError} if a notification waits for another pipeline of this application; all
   * notifications that need not wait are processed.
   * @throws {@link PolicyRetryError} if an error rule says that a notification is tried again later: run again.
   * @throws {@link ParkingLimitError} if as many notifications are parked as may be.
   * @throws {@link OtherVersionError} if a notification waits for another version of this application; all before it are
   * processed.
   * @throws {@link PausedError} if the application is paused; all before it was are processed.
   * @throws {@link LogMismatchError} if the log of an upstream does not hold the notification that was processed last.
   * @throws {@link RacesLostError} if other writers change the aggregates of the policy again and again: run again.
   * @throws {@link StorageError} if the storage fails.
   */
  async run(options: RunOptions = {}): Promise<number> {
    resolveOptions(options, runOptions, 'ProcessApplication.run()');
    const counts = await inRootContext(() => this.#runComparing(options));
    return counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** Runs on what the storage holds now: nothing has prompted the run, so its caller may know of a restored log. */
  #runComparing(options: RunOptions): Promise<ProcessedCounts> {
    return this.#turns.run(async () => {
      await processApplicationInternals.controlOf(this).refreshIfDue();
      this.#upstreams.compareNext();
      return this.#upstreams.run(options);
    });
  }

  /**
   * Calls `read` with a handle that reads the rows that are recorded, as of one moment, and cannot write. Resolves with the
   * result of `read`. The handle must not be used afterwards.
   *
   * @throws {@link InvalidApplicationError} if the class has no `static readonly rows`.
   */
  async readRows<T>(read: (handle: RowsOf<Needs>) => T | Promise<T>): Promise<T> {
    const { rows } = applicationInternals.storeOf(this);
    if (rows !== undefined) return rows.read(read as (handle: unknown) => T | Promise<T>);
    throw new InvalidApplicationError(
      `Class ${this.constructor.name} records no rows: it has no 'static readonly rows'.`,
    );
  }

  #run(options: RunOptions): ProcessedCounts | Promise<ProcessedCounts> {
    return this.#turns.runAtOnce(() => this.#upstreams.run(options));
  }

  get #replayOptions(): ReplayOptions {
    return {
      store: applicationInternals.storeOf(this),
      followerOf: (replay) => this.#upstreams.followerOf(replay),
      runTurn: (work) => this.#turns.run(work),
    };
  }

  static {
    processApplicationInternals = {
      setIntermediates: (application, recorders) => application.#upstreams.setIntermediates(recorders),
      locate: (application) => application.#turns.run(() => application.#upstreams.locate()).catch(() => {}),
      run: (application, options) => application.#run(options),
      pull: (application, upstreamName, upTo, signal) =>
        application.#turns.run(() => application.#upstreams.pull(upstreamName, upTo, signal)),
      watch: (application, listener) => {
        application.#progressed = listener;
      },
      seen: (application, upstreamName) => application.#upstreams.seen(upstreamName),
      isAhead: (application) => application.#upstreams.areAhead,
      donePosition: (application, upstreamName) => {
        const done = #upstreams in application && application.#upstreams.donePosition(upstreamName);
        if (done) return done;
        const { recorder, pipelineId } = applicationInternals.storeOf(application);
        return recorder.position(pipelineId, upstreamName);
      },
      controlOf: (application) => ControlLog.of(applicationInternals.storeOf(application).recorder),
      compareLogs: (application) => application.#upstreams.compare(), // only reads, so it need not wait for a batch
      replay: (application, signal, recorded = () => {}) =>
        inRootContext(() => new ReplayLoop(application.#replayOptions, recorded, signal).run()),
      replaysOf: (application) => new ReplayBatches(application.#replayOptions),
      recordPositions: (application) => application.#turns.run(() => application.#upstreams.flush()),
    };
  }
}

/** Throws unless an application records its position in a log under the name under which storage keeps the log. */
function assertSameName({ applicationName, recordedNameOf }: EventStore, log: NotificationLog): void {
  const { applicationName: upstreamName, recordedAs = recordedNameOf(upstreamName) } = log;
  if (recordedNameOf(upstreamName) === recordedAs) return;
  throw new InvalidArgumentError(
    `Application '${applicationName}' cannot follow '${upstreamName}', which is recorded as '${recordedAs}': open it with ` +
      'open() of a system that holds both.',
  );
}
