import { assertId, newId } from '../util/ids.ts';
import { now } from '../util/time.ts';
import {
  AggregateDiscardedError,
  AggregateReleasedError,
  ApplyRuleError,
  HistoryBrokenError,
} from './errors.ts';
import type { DataOf, DomainEvent, EventOfType } from './event.ts';
import { frozenCopy, hasMutableParts } from './frozen-copy.ts';

/**
 * An event that is triggered but not recorded yet, with its place among all events triggered in this
 * thread.
 */
export interface PendingEvent {
  readonly event: DomainEvent;
  readonly order: number;
}

/** A class of aggregates; the constructor takes the id only. */
export type AggregateClass<A extends Aggregate> = (new (
  id: string,
) => A) & {
  readonly snapshotEvery: number | undefined;
  readonly snapshotSchema: number;
};

/** What repositories and applications do with an aggregate, and its users do not. */
export interface AggregateInternals {
  replay(aggregate: Aggregate, event: DomainEvent): void;
  pending(aggregate: Aggregate): readonly PendingEvent[];
  takePending(aggregate: Aggregate): readonly PendingEvent[];
  putBack(aggregate: Aggregate, pending: readonly PendingEvent[]): void;
  isDiscarded(aggregate: Aggregate): boolean;
  /** The save of it that is under way, if any. */
  saving(aggregate: Aggregate): Promise<unknown> | undefined;
  setSaving(aggregate: Aggregate, save: Promise<unknown> | undefined): void;
  /** Lets nothing more happen to it. */
  release(aggregate: Aggregate): void;
  snapshot(aggregate: Aggregate): unknown;
  restore(aggregate: Aggregate, state: unknown, version: number): void;
}

export let aggregateInternals: AggregateInternals;

let lastOrder = 0;
/** Shared by all that have nothing pending, which are most. */
const none: PendingEvent[] = [];

/**
 * A cluster of state that changes by events only, and is recorded and loaded as one.
 *
 * @example
 * class Order extends Aggregate<OrderEvent> {
 *   paid = false;
 *   static place(customer: string) { return Order.create('Order.Created', { customer }); }
 *   pay(paymentId: string) { this.trigger('Order.Paid', { paymentId }); }
 *   protected override apply(event: OrderEvent) { if (event.type === 'Order.Paid') this.paid = true; }
 * }
 */
export abstract class Aggregate<out E extends DomainEvent = DomainEvent> {
  /**
   * Record a snapshot whenever the version passes a multiple of this; none if undefined. A snapshot is a
   * copy of the public fields: override `snapshot` and `restore` if the state is in #private ones, or they
   * come back empty.
   */
  static readonly snapshotEvery: number | undefined = undefined;
  /** Raise it when the state changes its shape: snapshots of other schemas are ignored. */
  static readonly snapshotSchema: number = 1;

  readonly id: string;
  #version = 0;
  #pending: PendingEvent[] = none;
  #discarded = false;
  #released = false;
  #saving: Promise<unknown> | undefined;
  #applying = false;

  /** Called by `create` and by repositories; throws InvalidIdError for an id that cannot be stored. */
  constructor(id: string) {
    assertId(id, () => `The id of a ${new.target.name}`);
    this.id = id;
  }

  /**
   * Makes a new aggregate with its first event; by default with a new time-ordered id.
   * In a policy, pass `repository.deriveId()`, so that a retry makes the same aggregate.
   */
  static create<E extends DomainEvent, A extends Aggregate<E>, Type extends E['type']>(
    this: new (
      id: string,
    ) => A & Aggregate<E>,
    type: Type,
    data: DataOf<E, Type>,
    id: string = newId(),
  ): A {
    const aggregate = new this(id);
    aggregate.#trigger(type, data);
    return aggregate;
  }

  /** How many events have happened to it. */
  get version(): number {
    return this.#version;
  }

  /** Makes an event happen: `apply` sees it at once, `save` or the end of the policy records it. */
  protected trigger<Type extends E['type']>(type: Type, data: DataOf<E, Type>): void {
    this.#trigger(type, data);
  }

  /** Changes the state by one event, new or replayed: no checks, no side effects, no waiting. */
  protected apply(_event: E): void {}

  /** Called from `apply` for the event that ends the aggregate: repositories no longer find it. */
  protected discard(): void {
    if (!this.#applying)
      throw new ApplyRuleError(`${this.#kind}.discard() is for apply(), not for commands.`);
    this.#discarded = true;
  }

  /** The state to put in a snapshot; override it together with `restore` if fields are #private. */
  protected snapshot(): unknown {
    const { id: _id, ...state } = this;
    return state;
  }

  /** Takes over what `snapshot` returned. */
  protected restore(state: unknown): void {
    Object.assign(this, state);
  }

  get #kind(): string {
    return this.constructor.name;
  }

  #trigger(type: string, data: unknown): void {
    if (this.#applying) {
      throw new ApplyRuleError(`${this.#kind}.apply() triggered '${type}': it only changes the state.`);
    }
    if (this.#discarded) throw new AggregateDiscardedError(this.#kind, this.id, type);
    if (this.#released) throw new AggregateReleasedError(this.#kind, this.id, type);
    const event: DomainEvent = Object.freeze({
      type,
      data: frozenCopy(data),
      originatorId: this.id,
      originatorVersion: this.#version + 1,
      timestamp: now(),
    });
    this.#apply(event);
    lastOrder += 1;
    const pending = { event, order: lastOrder };
    if (this.#pending.length === 0) this.#pending = [pending];
    else this.#pending.push(pending);
  }

  #apply(event: DomainEvent): void {
    if (event.originatorVersion !== this.#version + 1) {
      throw new HistoryBrokenError(this.id, this.#version, event.originatorVersion);
    }
    this.#applying = true;
    try {
      this.apply(withOwnData(event) as EventOfType<E, string>);
    } finally {
      this.#applying = false;
    }
    this.#version = event.originatorVersion;
  }

  static {
    aggregateInternals = {
      replay: (aggregate, event) => aggregate.#apply(event),
      pending: (aggregate) => aggregate.#pending,
      takePending: (aggregate) => {
        const taken = aggregate.#pending;
        aggregate.#pending = none;
        return taken;
      },
      putBack: (aggregate, pending) => {
        aggregate.#pending = [...pending, ...aggregate.#pending];
      },
      isDiscarded: (aggregate) => aggregate.#discarded,
      saving: (aggregate) => aggregate.#saving,
      setSaving: (aggregate, save) => {
        aggregate.#saving = save;
      },
      release: (aggregate) => {
        aggregate.#released = true;
      },
      snapshot: (aggregate) => aggregate.snapshot(),
      restore: (aggregate, state, version) => {
        aggregate.restore(state);
        aggregate.#version = version;
      },
    };
  }
}

/**
 * What apply() makes of a Date or a Map must not change the event that is recorded, or that is cached for
 * others.
 */
function withOwnData(event: DomainEvent): DomainEvent {
  if (!hasMutableParts(event.data)) return event;
  return Object.freeze({ ...event, data: frozenCopy(event.data) });
}
