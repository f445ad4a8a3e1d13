import { clearTimeout, setTimeout } from 'node:timers';
import { Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import { AggregateUndoneError } from '../../domain/errors.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { kindOf } from '../../util/errors.ts';
import { HandlerTimeoutError, InvalidPolicyError } from '../errors.ts';
import type { PolicyAggregates } from './aggregates/policy-aggregates.ts';
import { PolicyCall, runInPolicy } from './current-policy.ts';
import { type HandledEvent, type HandlerBatch, HandlerRepository } from './handler-repository.ts';
import type { PolicyHandler } from './policy.ts';
import { TimedContext } from './timed-context.ts';

/** Shared by all handlers that return nothing. */
const none: readonly Aggregate[] = [];

/** One event in the hands of its handler. */
interface HandlerRun {
  readonly call: PolicyCall;
  readonly handled: HandledEvent;
  readonly batch: HandlerBatch;
  readonly repository: HandlerRepository;
}

/**
 * Runs a handler for one event, and returns the aggregates that it returned. Returns no promise if the handler does not.
 *
 * @throws {@link InvalidPolicyError} if something that the handler did would be lost.
 */
export function runHandler(
  handler: PolicyHandler<DomainEvent, DomainEvent>,
  handled: HandledEvent,
  batch: HandlerBatch,
): readonly Aggregate[] | Promise<readonly Aggregate[]> {
  const call = new PolicyCall(batch.applicationName);
  const run = { call, handled, batch, repository: new HandlerRepository(call, handled, batch) };
  return runInPolicy(call, () => start(handler, run));
}

function start(
  handler: PolicyHandler<DomainEvent, DomainEvent>,
  run: HandlerRun,
): readonly Aggregate[] | Promise<readonly Aggregate[]> {
  try {
    const { given, timeoutMs } = run.batch;
    if (timeoutMs !== undefined) return startTimed(handler, run, timeoutMs);
    const result = handler(run.handled.event, run.repository, given);
    return isThenable(result) ? finishLater(run, result) : finish(run, result, false);
  } catch (error) {
    throw fail(run, error);
  }
}

/** Starts a handler that fails with {@link HandlerTimeoutError} after a time in ms. */
function startTimed(
  handler: PolicyHandler<DomainEvent, DomainEvent>,
  run: HandlerRun,
  timeoutMs: number,
): readonly Aggregate[] | Promise<readonly Aggregate[]> {
  const { event } = run.handled;
  const { given, applicationName } = run.batch;
  const timed = new TimedContext(given);
  const result = handler(event, run.repository, timed);
  if (!isThenable(result)) return finish(run, result, false);
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new HandlerTimeoutError(applicationName, event.type, timeoutMs);
    end(run); // first: what the handler does because of the signal is refused
    over.reject(error);
    timed.abort(error);
  }, timeoutMs);
  return finishLater(run, Promise.race([result, over.promise])).finally(() => clearTimeout(timer));
}

async function finishLater(run: HandlerRun, result: unknown): Promise<readonly Aggregate[]> {
  try {
    return finish(run, await result, true);
  } catch (error) {
    throw fail(run, error);
  }
}

/** Adds what a handler returned, unless something that it did would be lost. */
function finish(run: HandlerRun, result: unknown, hasWaited: boolean): readonly Aggregate[] {
  const { call, repository } = run;
  const { aggregates, applicationName } = run.batch;
  const returned = returnedAggregates(result, applicationName);
  if (call.unread !== undefined) throw call.unread;
  HandlerRepository.callsOf(repository)?.assertAwaited(hasWaited);
  if (call.fault !== undefined) throw call.fault;
  for (const aggregate of returned) addReturned(aggregate, aggregates);
  for (const aggregate of call.changed) assertRecorded(call, aggregate, aggregates);
  aggregates.settle();
  end(run);
  return returned;
}

/** Returns the error of a handler that failed. */
function fail(run: HandlerRun, error: unknown): unknown {
  end(run);
  if (run.call.unread !== undefined) return run.call.unread;
  const calls = HandlerRepository.callsOf(run.repository);
  return calls === undefined ? error : calls.explained(error);
}

function end({ call, batch }: HandlerRun): void {
  call.hasEnded = true;
  batch.aggregates.release();
}

/** Returns the aggregates that a handler returned. Throws {@link InvalidPolicyError} for anything else. */
function returnedAggregates(result: unknown, applicationName: string): readonly Aggregate[] {
  if (result === undefined) return none;
  if (result instanceof Aggregate) return [result];
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
