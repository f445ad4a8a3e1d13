import type { DomainEvent } from '../domain/event.ts';
import { Mutex } from '../util/mutex.ts';
import { assertOption } from '../util/options.ts';
import { yieldIfBusy } from '../util/yield-to-event-loop.ts';
import { Application, applicationInternals } from './application.ts';
import { CausalDependencyError, InvalidApplicationError, PipelineFixedError } from './errors.ts';
import { batchSizeRule } from './following/batch-size.ts';
import { Follower } from './following/follower.ts';
import { type Policy, type PolicyHandler, type PolicyHandlers, policyOf } from './following/policy.ts';
import type { NotificationLog } from './log/notification-log.ts';

/** How much is processed at once. */
export interface RunOptions {
  /** The only upstream whose log is read; by default all. */
  readonly upstreamName?: string;
  /** How many batches of each are processed; by default all there are. */
  readonly batches?: number;
  /** The id of the last notification that is processed now. */
  readonly upTo?: number;
  readonly signal?: AbortSignal;
}

/**
 * An application that follows others: its policy reacts to each of their events, and what it does is recorded
 * together with the position in their log, so that every event is processed exactly once.
 *
 * @example
 * class Orders extends ProcessApplication<OrderEvent, ReservationEvent> {
 *   static readonly applicationName = 'orders';
 *   static readonly emits = ['Order.Created', 'Order.Reserved'] as const;
 *   override readonly policy = this.when({
 *     'Reservation.Created': async (event, repository) => {
 *       const order = await repository.get(Order, event.data.orderId);
 *       order.reserve(event.originatorId);
 *     },
 *   });
 * }
 */
export abstract class ProcessApplication<
  out Emits extends DomainEvent = DomainEvent,
  Follows extends DomainEvent = DomainEvent,
> extends Application<Emits> {
  readonly #followers = new Map<string, Follower>();
  readonly #turns = new Mutex();

  /** What it does with the events it follows; make it with `this.when`. */
  abstract readonly policy: Policy<Follows, Emits>;

  /** Makes a policy: a handler for each type of event that matters, and perhaps one for all the others. */
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

  /** Follows the log of an upstream, up to `batchSize` notifications in one transaction. */
  follow(log: NotificationLog, batchSize: number = batchSizeRule.default): void {
    assertOption('batchSize', batchSize, batchSizeRule, `${this.constructor.name}.follow()`);
    const store = applicationInternals.storeOf(this);
    const policy = this.policy as unknown as Policy;
    const grown = (head: number) => applicationInternals.publish(this, store.pipelineId, head);
    this.#followers.set(log.applicationName, new Follower({ store, policy, log, batchSize, grown }));
  }

  /**
   * Processes what is new in the log of one upstream, or of all, to the end or for so many batches of each, and
   * resolves with the number of notifications; none behind the id `upTo`. One call at a time: others wait for it.
   *
   * @throws PolicyError for the first notification that cannot be processed; those before it are recorded.
   * @throws CausalDependencyError if a notification waits for what this application processes in another pipeline; all
   * that need not wait is processed.
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
          waiting ??= error; // the other upstreams must not wait as well: the other pipeline may wait for them
        }
      }
      if (waiting !== undefined) throw waiting;
      return processed;
    });
  }

  /**
   * Records the positions behind ignored notifications, which are otherwise recorded with the next events.
   */
  recordPositions(): Promise<void> {
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
