import { performance } from 'node:perf_hooks';
import { aggregateInternals } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { frozenCopy, hasMutableParts } from '../../domain/frozen-copy.ts';
import type { Provenance, RecordedEvent } from '../../domain/provenance.ts';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { PolicyLoopError } from '../errors.ts';
import type { HandledEvent, HandlerBatch } from './handler-repository.ts';
import { runHandler } from './handler-run.ts';
import type { Policy, PolicyHandler } from './policy.ts';

/** Largest number of its own events that a policy handles for one notification. */
const mostOwnEvents = 10_000;
/** Number of events at the end of an endless series in which all of its types are taken to occur. */
const longestLoop = 100;

/**
 * Runs a policy for one event, and then for the events that the policy makes on the way, in the order in which they are
 * made. All of them belong to one process event.
 */
export class OwnEvents {
  readonly #policy: Pick<Policy, 'handlerOf'>;
  readonly #first: HandledEvent;
  readonly #batch: HandlerBatch;
  readonly #provenanceOf: () => Provenance;
  #provenance: Provenance | undefined;
  readonly #queue: DomainEvent[] = [];
  readonly #handledTypes: string[] = [];
  #yieldedMs = 0;

  /** @param provenanceOf Returns where the events come from that the policy makes. Called if the policy handles one. */
  constructor(
    policy: Pick<Policy, 'handlerOf'>,
    first: HandledEvent,
    batch: HandlerBatch,
    provenanceOf: () => Provenance,
  ) {
    this.#policy = policy;
    this.#first = first;
    this.#batch = batch;
    this.#provenanceOf = provenanceOf;
  }

  /** Names the handler that has failed; undefined if it is that of the first event. */
  get failedPart(): string | undefined {
    const type = this.#handledTypes.at(-1);
    return type === undefined ? undefined : `The handler of own event '${type}'`;
  }

  /** Time that was left to others, in ms. */
  get yieldedMs(): number {
    return this.#yieldedMs;
  }

  /** @throws {@link PolicyLoopError} if the policy handles more than 10,000 of its own events. */
  async run(handler: PolicyHandler<DomainEvent, DomainEvent>): Promise<void> {
    await this.#handle(handler, this.#first, this.#batch);
    for (let next = 0; next < this.#queue.length; next += 1) {
      const event = this.#queue[next] as DomainEvent;
      const own = this.#policy.handlerOf(event.type);
      if (own === undefined) continue;
      await this.#yield();
      this.#noteHandled(event.type);
      await this.#handle(own, this.#ownEvent(event), this.#ownBatch());
    }
  }

  async #handle(
    handler: PolicyHandler<DomainEvent, DomainEvent>,
    handled: HandledEvent,
    batch: HandlerBatch,
  ): Promise<void> {
    const before = aggregateInternals.lastOrder();
    const running = runHandler(handler, handled, batch);
    if (running instanceof Promise) await running;
    for (const event of batch.aggregates.takeTriggered(before)) this.#queue.push(event);
  }

  /**
   * Ids are derived as from an event in the application's own log, but with the time of the first event: that of an own
   * event is another one in each try.
   */
  #ownEvent(event: DomainEvent): HandledEvent {
    return { event: this.#recorded(event), part: 0, idTime: this.#first.event.timestamp };
  }

  #ownBatch(): HandlerBatch {
    const { applicationName, recordedNameOf, aggregates, given, timeoutMs } = this.#batch;
    return { applicationName, upstreamName: applicationName, recordedNameOf, aggregates, given, timeoutMs };
  }

  #noteHandled(type: string): void {
    this.#handledTypes.push(type);
    if (this.#handledTypes.length <= mostOwnEvents) return;
    const types = new Set(this.#handledTypes.slice(-longestLoop));
    throw new PolicyLoopError(this.#batch.applicationName, [...types], mostOwnEvents);
  }

  /** Returns an event as it will be read after it is recorded. A handler cannot change what is recorded. */
  #recorded(event: DomainEvent): RecordedEvent {
    const data = hasMutableParts(event.data) ? frozenCopy(event.data) : event.data;
    this.#provenance ??= this.#provenanceOf();
    return Object.freeze({ ...event, data, ...this.#provenance });
  }

  async #yield(): Promise<void> {
    const now = performance.now();
    const yielding = yieldIfDue(now);
    if (yielding === undefined) return;
    await yielding;
    this.#yieldedMs += performance.now() - now;
  }
}

/** Returns the message for an application that follows itself although it handles its own events anyway. */
export function handledTwice(applicationName: string): string {
  return (
    `Application '${applicationName}' follows itself, but has 'static readonly applyPolicyToGeneratedEvents = true': its ` +
    'policy would handle its own events twice. Remove the static property, or the application from behind itself.'
  );
}
