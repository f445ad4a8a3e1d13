import type { Aggregate, AggregateClass } from '../../domain/aggregate.ts';
import type { DomainEvent, EventOfType } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { PolicyContext, PolicyNeeds } from './policy-context.ts';

/** Aggregates of the policy's own application, and ids derived from the event that is handled. */
export interface PolicyRepository<E extends DomainEvent = DomainEvent> {
  /**
   * Gets an aggregate. Events triggered on it are recorded together with the position.
   *
   * @throws {@link AggregateNotFoundError} if there is no aggregate with this id, or it is discarded.
   * @throws {@link AggregateLoadError} if `apply`, the decoding of an event or the constructor fails.
   * @throws {@link UnknownEventError} if the application does not list the type of an event in `emits`. The policy is
   * repeated later, even if it catches the error.
   * @throws {@link StorageError} if the storage fails. The policy is repeated later, even if it catches the error.
   * @throws {@link InvalidPolicyError} if the handler has returned, or has changed two objects of the aggregate from the same
   * version.
   */
  get<A extends Aggregate<E>>(aggregateClass: AggregateClass<A>, id: string): Promise<A>;
  /** Whether `get` would find an aggregate with this class and id: false also for one that is discarded. */
  has<A extends Aggregate<E>>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean>;
  /** Whether the aggregate is discarded, so that none with this id can be created. */
  wasDiscarded<A extends Aggregate<E>>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean>;
  /**
   * Runs a part of a handler as a whole: resolves with its result, or undoes all events that were triggered inside of it
   * and rejects with its error. Objects that were changed inside of a failed attempt cannot be used: get them again.
   * Attempts may contain attempts. Attempts that are started at the same time run one after the other.
   *
   * @throws {@link InvalidArgumentError} if `work` is not a function.
   * @throws {@link InvalidPolicyError} if the handler has returned, or an aggregate was changed beside a failed attempt.
   * @example
   * class Stock extends ProcessApplication<ReservationEvent, OrderEvent> {
   *   override readonly policy = this.when({
   *     'Order.Created': async (event, repository) => {
   *       try {
   *         return await repository.attempt(() => Reservation.for(event.originatorId, repository.deriveId()));
   *       } catch {
   *         return undefined; // nothing of the attempt is recorded
   *       }
   *     },
   *   });
   * }
   */
  attempt<T>(work: () => T | Promise<T>): Promise<T>;
  /**
   * Derives an id for a new aggregate. The n-th call for one event returns the same id on every retry and runner.
   *
   * @throws {@link InvalidPolicyError} if the handler has returned.
   */
  deriveId(): string;
}

/**
 * Nothing, one new aggregate, or several. Aggregates from the repository need not be returned. An array may hold
 * `undefined`, as the results of `Promise.all` do.
 */
export type PolicyResult<E extends DomainEvent> =
  | void
  | Aggregate<E>
  | readonly (void | Aggregate<E>)[]
  | Promise<void | Aggregate<E> | readonly (void | Aggregate<E>)[]>;

/** Handles one event, with the repository of its application. The event includes where it comes from. */
export type PolicyHandler<
  Event extends DomainEvent,
  E extends DomainEvent,
  Needs extends PolicyNeeds = PolicyNeeds,
> = (
  event: RecordedEvent<Event>,
  repository: PolicyRepository<E>,
  context: PolicyContext<Needs>,
) => PolicyResult<E>;

/** Handlers by event type. Types without a handler are ignored. */
export type PolicyHandlers<
  Follows extends DomainEvent,
  E extends DomainEvent,
  Needs extends PolicyNeeds = PolicyNeeds,
> = {
  readonly [Type in Follows['type']]?: PolicyHandler<EventOfType<Follows, Type>, E, Needs>;
};

/**
 * Handles the events that a process application follows. In a test, call a policy directly with a plain Map as
 * repository, and with what its handlers use of their context: it resolves with the new aggregates. The Map gets new objects
 * for aggregates that a failed attempt changed.
 * Ids derived in such a call are stable, but differ from ids in a running system, where the name of the upstream is part
 * of them.
 *
 * @example
 * const order = Order.place('ada');
 * await new Orders().policy(reservationCreated, new Map([[order.id, order]]));
 */
export interface Policy<Follows extends DomainEvent = DomainEvent, E extends DomainEvent = DomainEvent> {
  (
    event: RecordedEvent<Follows>,
    aggregates?: Map<string, Aggregate>,
    context?: Partial<PolicyContext>,
  ): Promise<readonly Aggregate<E>[]>;
  /** Returns the handler for a type, or undefined if events of this type are ignored. */
  handlerOf(type: string): PolicyHandler<DomainEvent, DomainEvent> | undefined;
  /** Types that have a handler of their own. */
  readonly types: readonly string[];
  /** Whether the policy also handles the events that it makes, see {@link ApplicationDeclaration.applyPolicyToGeneratedEvents}. */
  readonly handlesOwnEvents: boolean;
}
