import { inspect } from 'node:util';
import { markClass } from '../util/environment/copies.ts';
import { assertId, InvalidIdError, newId } from '../util/ids.ts';
import { InvalidArgumentError } from '../util/options.ts';
import { now } from '../util/time.ts';
import {
  AggregateDiscardedError,
  AggregateReleasedError,
  AggregateRepeatedError,
  AggregateUndoneError,
  ApplyRuleError,
  HistoryBrokenError,
} from './errors.ts';
import type { DataOf, DomainEvent, EventOfType } from './event.ts';
import { frozenCopy, hasMutableParts } from './frozen-copy.ts';
import { refuseEveryUse } from './refused-use.ts';

/** An event that is triggered and not recorded yet. */
export interface PendingEvent {
  readonly event: DomainEvent;
  /** Rank among all events that were triggered in this thread. */
  readonly order: number;
  /** What the trigger listener returned for the event. */
  readonly triggeredIn: unknown;
}

/** Called before each event is triggered. The event is not triggered if the listener throws. */
export type TriggerListener = (aggregate: Aggregate, type: string) => unknown;

/** A class of aggregates. The constructor takes the id and nothing else. */
export type AggregateClass<A extends Aggregate> = (new (
  id: string,
) => A) & {
  readonly snapshotEvery: number | undefined;
  readonly snapshotSchema: number;
};

/** Operations on aggregates that only repositories and applications may call. */
export interface AggregateInternals {
  replay(aggregate: Aggregate, event: DomainEvent): void;
  /** Applies the events that are read in place of the one with a version: none, one or several. */
  replayParts(aggregate: Aggregate, version: number, parts: readonly DomainEvent[]): void;
  pending(aggregate: Aggregate): readonly PendingEvent[];
  takePending(aggregate: Aggregate): readonly PendingEvent[];
  putBack(aggregate: Aggregate, pending: readonly PendingEvent[]): void;
  /** Rank of the event that was triggered last in this thread. */
  lastOrder(): number;
  isDiscarded(aggregate: Aggregate): boolean;
  /** The running save of the aggregate, if any. */
  saving(aggregate: Aggregate): Promise<unknown> | undefined;
  setSaving(aggregate: Aggregate, save: Promise<unknown> | undefined): void;
  /** Seals the aggregate, so that triggers throw {@link AggregateReleasedError}, or opens it again. */
  setReleased(aggregate: Aggregate, isReleased: boolean): void;
  isReleased(aggregate: Aggregate): boolean;
  /** Drops the pending events, and makes every later use throw {@link AggregateUndoneError}. */
  undo(aggregate: Aggregate): void;
  isUndone(aggregate: Aggregate): boolean;
  /**
   * Drops the pending events, and makes every later use throw {@link AggregateRepeatedError}.
   *
   * @param key Idempotency key of the command that repeats another.
   * @param isRecorded Whether an aggregate with the id is recorded. If not, its id cannot be read either.
   */
  refuseRepeated(aggregate: Aggregate, key: string, isRecorded: boolean): void;
  /** Throws the error of an aggregate that is undone or repeated. */
  assertUsable(aggregate: Aggregate): void;
  /** Sets the only trigger listener of this thread. */
  setTriggerListener(listener: TriggerListener): void;
  snapshot(aggregate: Aggregate): unknown;
  restore(aggregate: Aggregate, state: unknown, version: number): void;
}

export let aggregateInternals: AggregateInternals;

let lastOrder = 0;
let triggerListener: TriggerListener | undefined;
/** Shared by all aggregates without pending events, which are most. */
const none: PendingEvent[] = [];

/**
 * State that changes by events only, and is recorded and loaded as a unit.
 *
 * @example
 * class Ticket extends Aggregate<OrderEvent> {
 *   isPaid = false;
 *
 *   static order(customer: string) {
 *     return Ticket.create('Order.Created', { customer });
 *   }
 *
 *   pay(paymentId: string) {
 *     if (!this.isPaid) this.trigger('Order.Paid', { paymentId });
 *   }
 *
 *   protected override apply(event: OrderEvent) {
 *     if (event.type === 'Order.Paid') this.isPaid = true;
 *   }
 * }
 *
 * const ticket = Ticket.order('ada');
 * ticket.pay('p-1'); // ticket.isPaid is true, ticket.version is 2
 */
export abstract class Aggregate<out E extends DomainEvent = DomainEvent> {
  /**
   * Number of versions between snapshots. A snapshot copies the public fields: a class with #private fields must override
   * `snapshot` and `restore`, or its first use throws {@link SnapshotNotEncodableError}.
   *
   * @default undefined: no snapshots
   */
  static readonly snapshotEvery: number | undefined = undefined;
  /**
   * Version of the meaning of the state: increase it when `apply` computes another state from the same events. Snapshots of
   * other versions are ignored, as are those of other classes and of other sets of fields. @default 1
   */
  static readonly snapshotSchema: number = 1;

  readonly id: string;
  #version = 0;
  #pending: PendingEvent[] = none;
  #discarded = false;
  #released = false;
  /** Returns the error of every use, if the aggregate is undone or repeated. */
  #refusal: (() => Error) | undefined;
  #saving: Promise<unknown> | undefined;
  #applying = false;

  /** Called by `create` and by repositories. Throws {@link InvalidIdError} for an id that cannot be stored. */
  constructor(id: string) {
    if (id === undefined) {
      const { name } = new.target;
      throw new InvalidIdError(
        `The constructor of ${name} got no id. It takes the id and nothing else: make new aggregates with ` +
          `${name}.create(type, data).`,
      );
    }
    assertId(id, () => `the id of ${new.target.name}`);
    this.id = id;
  }

  /**
   * Makes an aggregate with its first event.
   *
   * @param id Id of the aggregate, by default a new time-ordered id. In a policy, pass `repository.deriveId()`, so that
   * a retry makes the same aggregate.
   * @throws {@link InvalidIdError} if the id is empty or storage cannot keep it.
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

  /** Number of events that were applied. */
  get version(): number {
    return this.#version;
  }

  /**
   * Triggers an event. It is applied immediately, and recorded by `save` or at the end of the policy.
   *
   * @throws {@link AggregateDiscardedError} if the aggregate is discarded.
   * @throws {@link AggregateReleasedError} if the handler that got or made the aggregate has finished.
   * @throws {@link AggregateUndoneError} if the aggregate was changed in an attempt that failed.
   * @throws {@link ApplyRuleError} if called in `apply`.
   */
  protected trigger<Type extends E['type']>(type: Type, data: DataOf<E, Type>): void {
    this.#trigger(type, data);
  }

  /** Changes the state by one event, new or replayed. Override without checks, side effects or `await`. */
  protected apply(_event: E): void | undefined {}

  /**
   * Marks the aggregate as discarded: repositories do not find it. Call this method in `apply` for the last event.
   *
   * @throws {@link ApplyRuleError} if called outside of `apply`.
   */
  protected discard(): void {
    if (!this.#applying) {
      throw new ApplyRuleError(
        `${this.#className}.discard() was called outside of apply(): trigger an event, and discard when it is applied.`,
      );
    }
    this.#discarded = true;
  }

  /**
   * Returns the state for a snapshot. A class with #private fields overrides this method and `restore`. Equal states must
   * give equal results.
   */
  protected snapshot(): unknown {
    const { id: _id, ...state } = this;
    return state;
  }

  /** Restores the state that `snapshot` returned, on a new aggregate. Override without side effects. */
  protected restore(state: unknown): void {
    Object.assign(this, state);
  }

  get #className(): string {
    return this.constructor.name;
  }

  #trigger(type: string, data: unknown): void {
    if (this.#applying) {
      throw new ApplyRuleError(
        `${this.#className}.apply() triggered '${type}': apply() only changes the state, commands trigger events.`,
      );
    }
    if (this.#refusal !== undefined) throw this.#refusal();
    if (this.#discarded) throw AggregateDiscardedError.ofTrigger(this.#className, this.id, type);
    if (this.#released) throw new AggregateReleasedError(this.#className, this.id, type);
    if (typeof type !== 'string') {
      throw new InvalidArgumentError(
        `Expected the type of an event of ${this.#className} to be a string, got ${inspect(type)}.`,
      );
    }
    const triggeredIn = triggerListener?.(this, type);
    const event: DomainEvent = Object.freeze({
      type,
      data: frozenCopy(data),
      originatorId: this.id,
      originatorVersion: this.#version + 1,
      timestamp: now(),
    });
    this.#apply(event);
    lastOrder += 1;
    const pending = { event, order: lastOrder, triggeredIn };
    if (this.#pending.length === 0) this.#pending = [pending];
    else this.#pending.push(pending);
  }

  #apply(event: DomainEvent): void {
    this.#assertNext(event.originatorVersion);
    this.#change(event);
    this.#version = event.originatorVersion;
  }

  #applyParts(version: number, parts: readonly DomainEvent[]): void {
    this.#assertNext(version);
    for (const part of parts) this.#change(part);
    this.#version = version;
  }

  #assertNext(version: number): void {
    if (version === this.#version + 1) return;
    throw new HistoryBrokenError(this.id, this.#version, version);
  }

  #change(event: DomainEvent): void {
    let returned: unknown;
    this.#applying = true;
    try {
      returned = this.apply(withOwnData(event) as EventOfType<E, string>);
    } finally {
      this.#applying = false;
    }
    if (returned !== undefined) assertNoPromise(returned, this.#className);
  }

  /** Drops the pending events, and makes every later use throw. */
  #refuse(errorOf: () => Error, readable?: readonly string[]): void {
    this.#pending = none;
    this.#refusal = errorOf;
    refuseEveryUse(this, errorOf, readable);
  }

  static {
    markClass(Aggregate);
    aggregateInternals = {
      replay: (aggregate, event) => aggregate.#apply(event),
      replayParts: (aggregate, version, parts) => aggregate.#applyParts(version, parts),
      pending: (aggregate) => aggregate.#pending,
      takePending: (aggregate) => {
        const taken = aggregate.#pending;
        aggregate.#pending = none;
        return taken;
      },
      putBack: (aggregate, pending) => {
        aggregate.#pending = [...pending, ...aggregate.#pending];
      },
      lastOrder: () => lastOrder,
      isDiscarded: (aggregate) => aggregate.#discarded,
      saving: (aggregate) => aggregate.#saving,
      setSaving: (aggregate, save) => {
        aggregate.#saving = save;
      },
      setReleased: (aggregate, isReleased) => {
        aggregate.#released = isReleased;
      },
      isReleased: (aggregate) => aggregate.#released,
      undo: (aggregate) => {
        const className = aggregate.#className;
        aggregate.#refuse(() => new AggregateUndoneError(className, aggregate.id));
      },
      isUndone: (aggregate) => aggregate.#refusal !== undefined,
      refuseRepeated: (aggregate, key, isRecorded) => {
        const className = aggregate.#className;
        const { id } = aggregate;
        const errorOf = () => new AggregateRepeatedError(className, id, key);
        aggregate.#refuse(errorOf, isRecorded ? ['id'] : []);
      },
      assertUsable: (aggregate) => {
        if (aggregate.#refusal !== undefined) throw aggregate.#refusal();
      },
      setTriggerListener: (listener) => {
        triggerListener = listener;
      },
      snapshot: (aggregate) => aggregate.snapshot(),
      restore: (aggregate, state, version) => {
        aggregate.restore(state);
        aggregate.#version = version;
      },
    };
  }
}

/** Throws {@link ApplyRuleError} for the promise of an `apply` that waits: the state would change too late. */
function assertNoPromise(returned: unknown, className: string): void {
  if (typeof (returned as PromiseLike<unknown> | null)?.then !== 'function') return;
  Promise.resolve(returned).catch(() => {}); // the error below is the one to report
  throw new ApplyRuleError(
    `${className}.apply() returned a promise, but must change the state at once: remove 'async', and wait in the command ` +
      'or the policy.',
  );
}

/** Copies data that cannot be frozen, such as a Date or a Map, so that apply() cannot change the recorded event. */
function withOwnData(event: DomainEvent): DomainEvent {
  if (!hasMutableParts(event.data)) return event;
  return Object.freeze({ ...event, data: frozenCopy(event.data) });
}
