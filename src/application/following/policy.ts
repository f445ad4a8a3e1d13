import { Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import type { DomainEvent, EventOfType } from '../../domain/event.ts';
import { causedId } from '../../util/ids.ts';
import { AggregateNotFoundError, InvalidPolicyError } from '../errors.ts';

/** What a policy may use: the aggregates of its own application, and ids that follow from the event. */
export interface PolicyRepository<E extends DomainEvent = DomainEvent> {
  /**
   * Gets an aggregate; what is triggered on it is recorded with the position. Throws
   * AggregateNotFoundError.
   */
  get<A extends Aggregate<E>>(kind: AggregateClass<A>, id: string): Promise<A>;
  /** Whether `get` would find it. */
  has<A extends Aggregate<E>>(kind: AggregateClass<A>, id: string): Promise<boolean>;
  /**
   * An id for a new aggregate: the n-th call for the same event gives the same id, on a retry and on any
   * runner.
   */
  deriveId(): string;
}

/** What a policy gives back: nothing, one new aggregate, or several. Those it got need not be given back. */
export type PolicyResult<E extends DomainEvent> =
  | void
  | Aggregate<E>
  | readonly Aggregate<E>[]
  | Promise<void | Aggregate<E> | readonly Aggregate<E>[]>;

/** Reacts to one event. */
export type PolicyHandler<Event extends DomainEvent, E extends DomainEvent> = (
  event: Event,
  repository: PolicyRepository<E>,
) => PolicyResult<E>;

/** A handler for each type of event that matters. */
export type PolicyHandlers<Follows extends DomainEvent, E extends DomainEvent> = {
  readonly [Type in Follows['type']]?: PolicyHandler<EventOfType<Follows, Type>, E>;
};

/**
 * What a process application does with each event it follows. It can be called by itself, with a plain Map as
 * repository, and resolves with the new aggregates. Ids it derives are then stable, but not those of a
 * running system, in which the name of the upstream is part of them.
 *
 * @example
 * const order = Order.place('ada');
 * await new Orders().policy(reservationCreated, new Map([[order.id, order]]));
 */
export interface Policy<Follows extends DomainEvent = DomainEvent, E extends DomainEvent = DomainEvent> {
  (event: Follows, aggregates?: ReadonlyMap<string, Aggregate>): Promise<readonly Aggregate<E>[]>;
  /** The types that have a handler of their own. */
  readonly handledTypes: readonly string[];
  /** Whether there is a handler for all other types. */
  readonly handlesAnyType: boolean;
  /** The handler for a type; undefined if such events are ignored. */
  handlerOf(type: string): PolicyHandler<DomainEvent, DomainEvent> | undefined;
}

/** Makes a policy from handlers by type and one for all other types. Throws {@link InvalidPolicyError}. */
export function policyOf<Follows extends DomainEvent, E extends DomainEvent>(
  applicationName: string,
  handlers: PolicyHandlers<Follows, E>,
  otherwise?: PolicyHandler<Follows, E>,
): Policy<Follows, E> {
  const byType = new Map(Object.entries(handlers).filter(([, handler]) => handler !== undefined));
  for (const [type, handler] of byType) assertFunction(handler, applicationName, `the handler of '${type}'`);
  if (otherwise !== undefined) assertFunction(otherwise, applicationName, 'the handler of all other events');
  const handlerOf = (type: string) =>
    (byType.get(type) ?? otherwise) as PolicyHandler<DomainEvent, DomainEvent> | undefined;
  const call = async (event: Follows, aggregates: ReadonlyMap<string, Aggregate> = new Map()) => {
    const repository = new MapRepository(applicationName, event, aggregates);
    return newAggregates(
      await handlerOf(event.type)?.(event, repository as PolicyRepository),
    ) as readonly Aggregate<E>[];
  };
  return Object.assign(call, {
    handledTypes: [...byType.keys()],
    handlesAnyType: otherwise !== undefined,
    handlerOf,
  });
}

/** The new aggregates in what a handler returned. Throws {@link InvalidPolicyError} for anything else. */
export function newAggregates(result: unknown): readonly Aggregate[] {
  if (result === undefined) return [];
  const aggregates: readonly unknown[] = Array.isArray(result) ? result : [result];
  for (const aggregate of aggregates) {
    if (aggregate instanceof Aggregate) continue;
    const kind = aggregate === null ? 'null' : typeof aggregate;
    throw new InvalidPolicyError(
      `A policy returns nothing, a new aggregate or an array of them, but this one gave ${kind}.`,
    );
  }
  return aggregates as readonly Aggregate[];
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

  async get<A extends Aggregate>(kind: AggregateClass<A>, id: string): Promise<A> {
    const aggregate = this.#find(kind, id);
    if (aggregate !== undefined) return aggregate;
    throw new AggregateNotFoundError(this.#applicationName, kind.name, id);
  }

  async has<A extends Aggregate>(kind: AggregateClass<A>, id: string): Promise<boolean> {
    return this.#find(kind, id) !== undefined;
  }

  #find<A extends Aggregate>(kind: AggregateClass<A>, id: string): A | undefined {
    const aggregate = this.#aggregates.get(id);
    return aggregate instanceof kind && !aggregateInternals.isDiscarded(aggregate) ? aggregate : undefined;
  }

  deriveId(): string {
    this.#derived += 1;
    return causedId(this.#event, '', this.#applicationName, this.#derived);
  }
}
