import { Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import type { DomainEvent, EventOfType } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import { kindOf } from '../../util/errors.ts';
import { causedId } from '../../util/ids.ts';
import { AggregateNotFoundError, InvalidPolicyError } from '../errors.ts';

/** Aggregates of the policy's own application, and ids derived from the event that is handled. */
export interface PolicyRepository<E extends DomainEvent = DomainEvent> {
  /**
   * Gets an aggregate. Events triggered on it are recorded together with the position.
   *
   * @throws {@link AggregateNotFoundError} if there is no aggregate with this class and id.
   */
  get<A extends Aggregate<E>>(aggregateClass: AggregateClass<A>, id: string): Promise<A>;
  /** Whether `get` would find an aggregate with this class and id. */
  has<A extends Aggregate<E>>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean>;
  /** Derives an id for a new aggregate. The n-th call for one event returns the same id on every retry and runner. */
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
export type PolicyHandler<Event extends DomainEvent, E extends DomainEvent> = (
  event: RecordedEvent<Event>,
  repository: PolicyRepository<E>,
) => PolicyResult<E>;

/** Handlers by event type. Types without a handler are ignored. */
export type PolicyHandlers<Follows extends DomainEvent, E extends DomainEvent> = {
  readonly [Type in Follows['type']]?: PolicyHandler<EventOfType<Follows, Type>, E>;
};

/**
 * Handles the events that a process application follows. In a test, call a policy directly with a plain Map as
 * repository: it resolves with the new aggregates. Ids derived in such a call are stable, but differ from ids in a
 * running system, where the name of the upstream is part of them.
 *
 * @example
 * const order = Order.place('ada');
 * await new Orders().policy(reservationCreated, new Map([[order.id, order]]));
 */
export interface Policy<Follows extends DomainEvent = DomainEvent, E extends DomainEvent = DomainEvent> {
  (
    event: RecordedEvent<Follows>,
    aggregates?: ReadonlyMap<string, Aggregate>,
  ): Promise<readonly Aggregate<E>[]>;
  /** Returns the handler for a type, or undefined if events of this type are ignored. */
  handlerOf(type: string): PolicyHandler<DomainEvent, DomainEvent> | undefined;
}

/** Makes a policy. Throws {@link InvalidPolicyError} if a handler is not a function. */
export function policyOf<Follows extends DomainEvent, E extends DomainEvent>(
  applicationName: string,
  handlers: PolicyHandlers<Follows, E>,
  otherwise?: PolicyHandler<Follows, E>,
): Policy<Follows, E> {
  if (typeof handlers !== 'object' || handlers === null || Array.isArray(handlers)) {
    throw new InvalidPolicyError(
      `The policy of '${applicationName}' needs an object of handlers by event type, as in ` +
        `this.when({ 'Order.Created': (event) => … }), got ${kindOf(handlers)}.`,
    );
  }
  const byType = new Map(Object.entries(handlers).filter(([, handler]) => handler !== undefined));
  for (const [type, handler] of byType) assertFunction(handler, applicationName, `the handler of '${type}'`);
  if (otherwise !== undefined) assertFunction(otherwise, applicationName, 'the handler of all other events');
  const handlerOf = (type: string) =>
    (byType.get(type) ?? otherwise) as PolicyHandler<DomainEvent, DomainEvent> | undefined;
  const call = async (
    event: RecordedEvent<Follows>,
    aggregates: ReadonlyMap<string, Aggregate> = new Map(),
  ) => {
    const repository = new MapRepository(applicationName, event, aggregates);
    return newAggregates(
      await handlerOf(event.type)?.(event, repository as PolicyRepository),
    ) as readonly Aggregate<E>[];
  };
  return Object.assign(call, { handlerOf });
}

/** Returns the aggregates that a handler returned. Throws {@link InvalidPolicyError} for anything else. */
export function newAggregates(result: unknown): readonly Aggregate[] {
  if (result === undefined) return [];
  const returned: readonly unknown[] = Array.isArray(result) ? result : [result];
  const aggregates = returned.filter((one) => one !== undefined);
  for (const aggregate of aggregates) {
    if (aggregate instanceof Aggregate) continue;
    throw new InvalidPolicyError(
      `A policy must return nothing, an aggregate or an array of aggregates, got ${kindOf(aggregate)}.`,
    );
  }
  return aggregates as readonly unknown[] as readonly Aggregate[];
}

function assertFunction(handler: unknown, applicationName: string, what: string): void {
  if (typeof handler === 'function') return;
  throw new InvalidPolicyError(`In the policy of '${applicationName}', ${what} is not a function.`);
}

class MapRepository implements PolicyRepository {
  readonly #applicationName: string;
  readonly #event: DomainEvent;
  readonly #aggregates: ReadonlyMap<string, Aggregate>;
  #derived = 0;

  constructor(applicationName: string, event: DomainEvent, aggregates: ReadonlyMap<string, Aggregate>) {
    this.#applicationName = applicationName;
    this.#event = event;
    this.#aggregates = aggregates;
  }

  async get<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<A> {
    const aggregate = this.#find(aggregateClass, id);
    if (aggregate !== undefined) return aggregate;
    throw new AggregateNotFoundError(this.#applicationName, aggregateClass.name, id);
  }

  async has<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean> {
    return this.#find(aggregateClass, id) !== undefined;
  }

  #find<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): A | undefined {
    const aggregate = this.#aggregates.get(id);
    return aggregate instanceof aggregateClass && !aggregateInternals.isDiscarded(aggregate)
      ? aggregate
      : undefined;
  }

  deriveId(): string {
    this.#derived += 1;
    return causedId(this.#event, '', this.#applicationName, this.#derived);
  }
}
