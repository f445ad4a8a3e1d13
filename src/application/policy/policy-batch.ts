import { performance } from 'node:perf_hooks';
import { type Aggregate, aggregateInternals, type PendingEvent } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { eventsIn, type ReadEvent } from '../../domain/events/split-event.ts';
import { copiedLength } from '../../domain/frozen-copy.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { StoredNotification, StoredProvenance } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { PolicyError } from '../following-errors.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { EventStore } from '../recording/event-store.ts';
import { BatchAggregates } from './aggregates/batch-aggregates.ts';
import { decodedProvenance, effectProvenance } from './effect-provenance.ts';
import type { HandledEvent, HandlerBatch } from './handler-repository.ts';
import { runHandler } from './handler-run.ts';
import { OwnEvents } from './own-events.ts';
import type { Policy, PolicyHandler } from './policy.ts';
import type { PolicyContext } from './policy-context.ts';

/** Number of events that a policy has made after which their batch ends: encoding them does not yield to the event loop. */
const maxEffects = 1_000;

/** The policy of an application, and the upstream whose events the policy handles. */
export interface PolicySetup {
  readonly store: EventStore;
  readonly policy: Policy;
  readonly upstreamName: string;
  /** Longest time of a handler, in ms. @default no limit */
  readonly handlerTimeoutMs?: number | undefined;
  /** Returns the type as which events of a stored type are read; undefined if their data tells. */
  typeOf(storedType: string): string | undefined;
  /** Whether an event of a type is left out, because a repetition must not handle it. */
  isLeftOut?(notification: StoredNotification, type: string): boolean;
  /** Decodes an event of the upstream. */
  decode(stored: StoredNotification): ReadEvent<RecordedEvent>;
}

/** Changes that a policy made for a batch of notifications. */
export interface PolicyChanges {
  /** Events in the order in which they were triggered. */
  readonly pending: readonly PendingEvent[];
  /** Where each of the events comes from. */
  readonly provenances: readonly StoredProvenance[];
  /** Aggregates that the policy got or made. */
  readonly aggregates: readonly Aggregate[];
  /** Number of notifications that the policy handled. It ignored the others. */
  readonly handled: number;
  /** First notification that was not handled because time ran out; undefined if all are done. */
  readonly next: StoredNotification | undefined;
  /** Time spent in the policy without loading aggregates, in ms. */
  readonly policyMs: number;
}

/** An event that the policy handles. */
interface Step extends HandledEvent {
  readonly notification: StoredNotification;
  readonly handler: PolicyHandler<DomainEvent, DomainEvent>;
}

/**
 * Runs a policy on notifications of one upstream, in order, until it has taken longer than `longestMs`, has made 1,000
 * events, or its aggregates and events have the size of a page.
 *
 * @throws {@link PolicyError} for the first notification on which the policy fails.
 */
export async function runPolicy(
  setup: PolicySetup,
  notifications: readonly StoredNotification[],
  longestMs: number,
  given: PolicyContext,
): Promise<PolicyChanges> {
  const steps = stepsOf(setup, notifications);
  const aggregates = new BatchAggregates(setup.store, steps, setup.policy.handlesOwnEvents);
  const batch = batchOf(setup, aggregates, given);
  const lastOrder = aggregateInternals.lastOrder() + maxEffects;
  const copied = copiedLength();
  const started = performance.now();
  let policyMs = 0;
  let yieldedMs = 0;
  let handled = 0;
  while (handled < steps.length) {
    const step = steps[handled] as Step;
    aggregates.begin(handled);
    const own = setup.policy.handlesOwnEvents ? ownEventsOf(setup, step, batch) : undefined;
    try {
      const running = own === undefined ? runHandler(step.handler, step, batch) : own.run(step.handler);
      if (running instanceof Promise) await running;
    } catch (error) {
      throw isInstance(error, PolicyError)
        ? error
        : policyError(setup, step.notification, error, own?.failedPart);
    }
    if (own !== undefined) yieldedMs += own.yieldedMs;
    handled += 1;
    const now = performance.now();
    policyMs = now - started - aggregates.loadMs - yieldedMs;
    const yielding = yieldIfDue(now);
    if (yielding !== undefined) {
      await yielding;
      yieldedMs += performance.now() - now;
    }
    const length = aggregates.loadedLength + copiedLength() - copied;
    if (steps[handled]?.notification === step.notification) continue; // a batch ends behind all parts of an event
    if (policyMs > longestMs || length >= memoryBounds.page || aggregateInternals.lastOrder() >= lastOrder)
      break;
  }
  const { pending } = aggregates;
  return {
    pending,
    provenances: provenancesOf(setup, steps, aggregates.stepsOf(pending)),
    aggregates: aggregates.all,
    handled,
    next: steps[handled]?.notification,
    policyMs,
  };
}

/** Returns the run of the policy on the event of a step, and on all events that it makes on the way. */
function ownEventsOf(setup: PolicySetup, step: Step, batch: HandlerBatch): OwnEvents {
  const provenanceOf = () => decodedProvenance(setup.store, provenanceIn(setup, step));
  return new OwnEvents(setup.policy, step, batch, provenanceOf);
}

function batchOf(
  { upstreamName, store, handlerTimeoutMs: timeoutMs }: PolicySetup,
  aggregates: BatchAggregates,
  given: PolicyContext,
): HandlerBatch {
  const { applicationName, recordedNameOf } = store;
  return { applicationName, upstreamName, recordedNameOf, aggregates, given, timeoutMs };
}

/** Returns where events come from, given the steps in which they were triggered. */
function provenancesOf(
  setup: PolicySetup,
  steps: readonly Step[],
  triggeredIn: readonly number[],
): readonly StoredProvenance[] {
  const byStep: StoredProvenance[] = [];
  return triggeredIn.map((index) => (byStep[index] ??= provenanceIn(setup, steps[index] as Step)));
}

function provenanceIn(setup: PolicySetup, { notification, event }: Step): StoredProvenance {
  try {
    return effectProvenance(setup, notification, event);
  } catch (error) {
    throw policyError(setup, notification, error, 'Option `carryMetadata`');
  }
}

/** Whether a policy may handle what events of a stored type are read as. */
export function mayHandle({ policy, typeOf }: PolicySetup, storedType: string): boolean {
  const type = typeOf(storedType);
  return type === undefined || policy.handlerOf(type) !== undefined;
}

/** Decodes the notifications that the policy handles, and skips the others. */
function stepsOf(setup: PolicySetup, notifications: readonly StoredNotification[]): readonly Step[] {
  const steps: Step[] = [];
  for (const notification of notifications) {
    if (!mayHandle(setup, notification.type)) continue;
    const events = eventsIn(decoded(setup, notification));
    for (let part = 0; part < events.length; part += 1) {
      const event = events[part] as RecordedEvent;
      const handler = setup.policy.handlerOf(event.type);
      if (handler !== undefined && !setup.isLeftOut?.(notification, event.type))
        steps.push({ notification, event, part, handler });
    }
  }
  return steps;
}

function decoded(setup: PolicySetup, notification: StoredNotification): ReadEvent<RecordedEvent> {
  try {
    return setup.decode(notification);
  } catch (error) {
    throw policyError(setup, notification, error);
  }
}

/** Names the notification on which a policy, or another part of an application, failed. */
export function policyError(
  { store, upstreamName }: PolicySetup,
  { id: notificationId, type: eventType, originatorId }: StoredNotification,
  cause: unknown,
  part?: string,
): PolicyError {
  const { applicationName, pipelineId } = store;
  return new PolicyError(
    { applicationName, upstreamName, pipelineId, notificationId, eventType, originatorId },
    cause,
    part,
  );
}
