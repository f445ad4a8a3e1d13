import type { DomainEvent } from '../domain/event.ts';
import { Mutex } from '../util/mutex.ts';
import { assertOption } from '../util/options.ts';
import { yieldIfBusy } from '../util/yield-to-event-loop.ts';
import { Application, applicationInternals } from './application.ts';
import { CausalDependencyError, InvalidApplicationError, PipelineFixedError } from './errors.ts';
import type { Progress } from './following/batch-processor.ts';
import { batchSizeRule } from './following/batch-size.ts';
import { Follower } from './following/follower.ts';
import { type Policy, type PolicyHandler, type PolicyHandlers, policyOf } from './following/policy.ts';
import type { NotificationLog } from './log/notification-log.ts';

/** Options of {@link ProcessApplication.run}. */
export interface RunOptions {
  /** Upstream whose log is read. @default all upstreams */
  readonly upstreamName?: string;
  /** Largest number of batches processed from each log. @default no limit */
  readonly batches?: number;
  /** Id of the last notification that is processed. @default no limit */
  readonly upTo?: number;
  /** Ends the run before the next batch; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal;
}

/** Operations on process applications that only runners may call. */
export interface ProcessApplicationInternals {
  /** Records positions after ignored notifications. Without this call they are recorded with the next events. */
  recordPositions<Follows extends DomainEvent>(
    application: ProcessApplication<DomainEvent, Follows>,
  ): Promise<void>;
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
> extends Application<Emits> {
  readonly #followers = new Map<string, Follower>();
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
    handlers: PolicyHandlers<Follows, Emits>,
    otherwise?: PolicyHandler<Follows, Emits>,
  ): Policy<Follows, Emits> {
    return policyOf(this.applicationName, handlers, otherwise);
  }

  override changePipeline(pipelineId: number): void {
    if (this.#followers.size > 0) throw new PipelineFixedError(this.applicationName, this.pipelineId);
    super.changePipeline(pipelineId);
  }

  /**
   * Follows the log of an upstream from the recorded position. Runners call this method; call it yourself for an
   * application that you opened without a runner, and then {@link run}.
   *
   * @param batchSize Largest number of notifications processed in one transaction, 500 by default.
   * @throws {@link InvalidOptionError} if `batchSize` is not an integer >= 1.
   */
  follow(log: NotificationLog, batchSize: number = batchSizeRule.default): void {
    assertOption('batchSize', batchSize, batchSizeRule, `${this.constructor.name}.follow()`);
    const store = applicationInternals.storeOf(this);
    const policy = this.policy as unknown as Policy;
    const grown = (head: number) => applicationInternals.publish(this, store.pipelineId, head);
    const progressed = (progress: Progress) => this.#progressed?.(progress);
    this.#followers.set(
      log.applicationName,
      new Follower({ store, policy, log, batchSize, grown, progressed }),
    );
  }

  /**
   * Processes new notifications of the upstreams that the application follows, and resolves with their number.
   * Concurrent calls run one after the other.
   *
   * @throws {@link PolicyError} for the first notification that cannot be processed; all before it are recorded.
   * @throws {@link CausalDependencyError} if a notification waits for another pipeline of this application; all
   * notifications that need not wait are processed.
   */
  run(options: RunOptions = {}): Promise<number> {
    return this.#turns.run(async () => {
      let processed = 0;
      let waiting: CausalDependencyError | undefined;
      for (const follower of this.#chosen(options.upstreamName)) {
        try {
          processed += await runFollower(follower, options);
        } catch (error) {
          if (!(error instanceof CausalDependencyError)) throw error;
          waiting ??= error; // go through the other upstreams: the other pipeline may wait for them
        }
      }
      if (waiting !== undefined) throw waiting;
      return processed;
    });
  }

  #recordPositions(): Promise<void> {
    return this.#turns.run(async () => {
      for (const follower of this.#followers.values()) await follower.flush();
    });
  }

  #chosen(upstreamName: string | undefined): Iterable<Follower> {
    if (upstreamName === undefined) return this.#followers.values();
    const follower = this.#followers.get(upstreamName);
    if (follower !== undefined) return [follower];
    throw new InvalidApplicationError(
      `Application '${this.applicationName}' does not follow '${upstreamName}': call follow() with its log first.`,
    );
  }

  static {
    processApplicationInternals = {
      recordPositions: (application) => application.#recordPositions(),
      watch: (application, listener) => {
        application.#progressed = listener;
      },
      seen: (application, upstreamName) => application.#followers.get(upstreamName)?.seen ?? 0,
    };
  }
}

async function runFollower(
  follower: Follower,
  { batches = Infinity, upTo, signal }: RunOptions,
): Promise<number> {
  let processed = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    signal?.throwIfAborted();
    processed += await follower.pull(upTo);
    if (follower.isAtEnd) break;
    await yieldIfBusy();
  }
  return processed;
}
