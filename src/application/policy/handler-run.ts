import { Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import { AggregateUndoneError } from '../../domain/errors.ts';
import type { DomainEvent } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidPolicyError } from '../errors.ts';
import { type PolicyCall, runAsPolicyOf } from './current-policy.ts';
import { HandlerRepository } from './handler-repository.ts';
import type { PolicyHandler } from './policy.ts';
import type { PolicyAggregates } from './policy-aggregates.ts';
import { RepositoryCalls } from './repository-calls.ts';

export interface HandlerRun {
  readonly applicationName: string;
  readonly event: RecordedEvent;
  readonly aggregates: PolicyAggregates;
  /** Derives the n-th id from the event. */
  readonly idOf: (n: number) => string;
}

/**
 * Runs a handler for one event, and resolves with the aggregates that it returned.
 *
 * @throws {@link InvalidPolicyError} if something that the handler did would be lost.
 */
export function runHandler(
  handler: PolicyHandler<DomainEvent, DomainEvent>,
  { applicationName, event, aggregates, idOf }: HandlerRun,
): Promise<readonly Aggregate[]> {
  return runAsPolicyOf(applicationName, async (call) => {
    const calls = new RepositoryCalls(applicationName);
    try {
      const result = handler(event, new HandlerRepository({ call, calls, aggregates, idOf }));
      const returned = returnedAggregates(isThenable(result) ? await result : result, applicationName);
      if (call.unread !== undefined) throw call.unread;
      calls.assertAwaited();
      if (call.fault !== undefined) throw call.fault;
      for (const aggregate of returned) addReturned(aggregate, aggregates);
      for (const aggregate of call.changed) assertRecorded(call, aggregate, aggregates);
      aggregates.settle();
      return returned;
    } catch (error) {
      throw call.unread ?? calls.explained(error);
    } finally {
      call.hasEnded = true;
      calls.end();
      aggregates.release();
    }
  });
}

/** Returns the aggregates that a handler returned. Throws {@link InvalidPolicyError} for anything else. */
function returnedAggregates(result: unknown, applicationName: string): readonly Aggregate[] {
  if (result === undefined) return [];
  const returned: readonly unknown[] = Array.isArray(result) ? result : [result];
  const aggregates = returned.filter((one) => one !== undefined);
  for (const aggregate of aggregates) {
    if (aggregate instanceof Aggregate) continue;
    const promises = aggregates.filter(isThenable);
    for (const promise of promises) Promise.resolve(promise).catch(() => {}); // the error below is the one to report
    const what =
      promises.length > 0 ? 'an array with a promise: return await Promise.all([…])' : kindOf(aggregate);
    throw new InvalidPolicyError(
      `The policy of '${applicationName}' must return nothing, an aggregate or an array of aggregates, got ${what}.`,
    );
  }
  return aggregates as readonly unknown[] as readonly Aggregate[];
}

function isThenable(result: unknown): boolean {
  return typeof (result as PromiseLike<unknown> | undefined)?.then === 'function';
}

function addReturned(aggregate: Aggregate, aggregates: PolicyAggregates): void {
  if (aggregateInternals.isUndone(aggregate)) {
    throw new AggregateUndoneError(aggregate.constructor.name, aggregate.id);
  }
  aggregates.add(aggregate);
}

/** Throws {@link InvalidPolicyError} if a handler changed an aggregate whose events would not be recorded. */
function assertRecorded(call: PolicyCall, aggregate: Aggregate, aggregates: PolicyAggregates): void {
  if (aggregates.has(aggregate)) return;
  const pending = aggregateInternals.pending(aggregate);
  const event = pending.find(({ triggeredIn }) => call.includes(triggeredIn))?.event;
  if (event === undefined) return;
  const what = `${aggregate.constructor.name} '${aggregate.id}' ('${event.type}')`;
  throw new InvalidPolicyError(
    event.originatorVersion === 1
      ? `The policy of '${call.applicationName}' made ${what} and did not return it, so it would be lost. Return it: an ` +
          "arrow function with braces needs 'return'."
      : `The policy of '${call.applicationName}' changed ${what}, which it neither got from its repository nor returned, ` +
          'so the event would be lost. Get the aggregate from the repository that the handler is given.',
  );
}
