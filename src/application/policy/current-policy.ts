import { AsyncLocalStorage } from 'node:async_hooks';
import { type Aggregate, aggregateInternals } from '../../domain/aggregate.ts';
import { inCleanContext } from '../../util/environment/root-context.ts';
import { InvalidPolicyError, SaveInPolicyError } from '../errors.ts';
import { isUnread } from '../failures.ts';

/** Shared by all calls that have changed nothing. */
const none: readonly Aggregate[] = [];

/** A call of a policy for one event, or an attempt inside of it. */
export class PolicyCall {
  readonly applicationName: string;
  /** The call or attempt in which this attempt was started; undefined for the call of a policy. */
  readonly parent: PolicyCall | undefined;
  /** Aggregates on which events were triggered, also in attempts that have ended; some of them repeatedly. */
  changed: readonly Aggregate[] = none;
  /** Whether the policy or the attempt has returned. What it has opened may outlive it, and is no part of it. */
  hasEnded = false;
  /** An error because of which a repository could not read, so that what the handler decides means nothing. */
  unread: unknown;
  /** An error with which the policy must fail, even if its handler catches the error. */
  fault: unknown;

  constructor(applicationName: string, parent?: PolicyCall) {
    this.applicationName = applicationName;
    this.parent = parent;
  }

  /** The call of the policy. */
  get root(): PolicyCall {
    return this.parent === undefined ? this : this.parent.root;
  }

  /** Whether this attempt, or an attempt around it, has ended. */
  get isOver(): boolean {
    return this.hasEnded || this.parent?.isOver === true;
  }

  noteChange(aggregate: Aggregate): void {
    if (this.changed === none) this.changed = [aggregate];
    else if (this.changed.at(-1) !== aggregate) (this.changed as Aggregate[]).push(aggregate);
  }

  /** Leaves aggregates out of {@link changed}, because the caller gets an error for them. */
  forget(aggregates: readonly Aggregate[]): void {
    const forgotten = new Set(aggregates);
    this.changed = this.changed.filter((aggregate) => !forgotten.has(aggregate));
    this.parent?.forget(aggregates);
  }

  /** Makes the policy fail, and returns the error to throw. */
  failWith(message: string): InvalidPolicyError {
    const error = new InvalidPolicyError(message);
    this.root.fault ??= error;
    return error;
  }

  /** Whether something that was triggered in `inner` was triggered in this call. */
  includes(inner: unknown): boolean {
    if (!(inner instanceof PolicyCall)) return false;
    return inner === this || this.includes(inner.parent);
  }
}

const scope = new AsyncLocalStorage<PolicyCall>();

/**
 * Runs the call of a policy, so that calls made inside of it can be distinguished from other calls. What a handler changes
 * in its asynchronous context reaches no other handler.
 */
export function runInPolicy<T>(call: PolicyCall, run: () => T): T {
  aggregateInternals.setTriggerListener(onTrigger);
  return inCleanContext(enter, call, run) as T;
}

function enter(call: PolicyCall, run: () => unknown): unknown {
  scope.enterWith(call);
  return run();
}

/** Runs an attempt inside the call of a policy. */
export function runInAttempt<T>(attempt: PolicyCall, run: () => T): T {
  return scope.run(attempt, run);
}

/** The call of a policy or the attempt that makes the current call; undefined outside of policies. */
export function currentCall(): PolicyCall | undefined {
  const call = scope.getStore();
  return call === undefined || call.root.hasEnded ? undefined : call;
}

/** Name of the application whose policy makes the current call; undefined outside of policies. */
export function currentPolicy(): string | undefined {
  return currentCall()?.applicationName;
}

/**
 * Rejects calls inside policies that would record events.
 *
 * @param aggregates Aggregates that are to be recorded: the policy may drop them, because its call gets an error.
 * @throws {@link SaveInPolicyError} if a policy makes the call.
 */
export function assertOutsideOfPolicies(
  applicationName: string,
  method: string,
  aggregates: readonly Aggregate[] = none,
): void {
  const call = currentCall();
  if (call === undefined) return;
  call.forget(aggregates);
  throw new SaveInPolicyError(applicationName, call.applicationName, method);
}

/** Notes that the current policy could not read an aggregate, so that it is repeated even if it catches the error. */
export function noteUnread(error: unknown): void {
  const call = currentCall();
  if (call !== undefined && isUnread(error)) call.root.unread ??= error;
}

/** Notes which aggregates a policy changes, so that none is lost. */
function onTrigger(aggregate: Aggregate, type: string): PolicyCall | undefined {
  const call = currentCall();
  if (call === undefined) return undefined;
  if (call.isOver) {
    throw call.failWith(
      `The policy of '${call.applicationName}' triggered '${type}' on ${aggregate.constructor.name} '${aggregate.id}' ` +
        'in an attempt that had already ended: await everything that an attempt starts.',
    );
  }
  call.noteChange(aggregate);
  return call;
}
