import { type Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import { kindOf } from '../../util/errors.ts';
import { causedId } from '../../util/ids.ts';
import { Mutex } from '../../util/mutex.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { AggregateNotFoundError, InvalidPolicyError } from '../errors.ts';
import { isUnread } from '../failures.ts';
import type { PolicyAggregates } from './aggregates/policy-aggregates.ts';
import { currentCall, PolicyCall, runInAttempt } from './current-policy.ts';
import type { PolicyRepository } from './policy.ts';
import type { PolicyContext } from './policy-context.ts';
import { RepositoryCalls } from './repository-calls.ts';

/** What the handlers of a batch share. */
export interface HandlerBatch {
  readonly applicationName: string;
  /** Name of the application that has recorded the events; empty in a direct call. */
  readonly upstreamName: string;
  /** Returns the name under which storage keeps the log of an application. */
  recordedNameOf(applicationName: string): string;
  readonly aggregates: PolicyAggregates;
  /** What a handler is given as its third argument. */
  readonly given: PolicyContext;
  /** Longest time of a handler, in ms. @default no limit */
  readonly timeoutMs?: number | undefined;
}

/** An event that a handler handles. */
export interface HandledEvent {
  readonly event: RecordedEvent;
  /** Number of the event among those that are read in place of a recorded one; 0 for most. */
  readonly part: number;
  /** Time of derived ids, in ms since 1970. @default the time of the event */
  readonly idTime?: number;
}

const attemptText = () => 'attempt()';

/** Repository of one handler while it handles one event. */
export class HandlerRepository implements PolicyRepository {
  readonly #call: PolicyCall;
  readonly #batch: HandlerBatch;
  readonly #handled: HandledEvent;
  #calls: RepositoryCalls | undefined;
  #turns: Map<PolicyCall, Mutex> | undefined;
  #derived = 0;

  constructor(call: PolicyCall, handled: HandledEvent, batch: HandlerBatch) {
    this.#call = call;
    this.#batch = batch;
    this.#handled = handled;
  }

  /** Returns the calls that a handler has started; undefined if it has made none. */
  static callsOf(repository: HandlerRepository): RepositoryCalls | undefined {
    return repository.#calls;
  }

  get<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<A> {
    return this.#start('get', aggregateClass, id, (found) => {
      if (found !== undefined && !aggregateInternals.isDiscarded(found)) return found;
      const { applicationName } = this.#batch;
      throw new AggregateNotFoundError(applicationName, aggregateClass.name, id);
    });
  }

  has<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean> {
    return this.#start('has', aggregateClass, id, (found) => {
      return found !== undefined && !aggregateInternals.isDiscarded(found);
    });
  }

  wasDiscarded<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<boolean> {
    return this.#start('wasDiscarded', aggregateClass, id, (found) => {
      return found !== undefined && aggregateInternals.isDiscarded(found);
    });
  }

  deriveId(): string {
    this.#started.assertRunning();
    this.#derived += 1;
    const { upstreamName, applicationName, recordedNameOf } = this.#batch;
    const { event, part, idTime: timestamp = event.timestamp } = this.#handled;
    const { originatorId, originatorVersion } = event;
    const cause = { originatorId, originatorVersion, timestamp, part };
    return causedId(cause, recordedNameOf(upstreamName), recordedNameOf(applicationName), this.#derived);
  }

  attempt<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#started.start(attemptText, () => {
      if (typeof work === 'function') return this.#inTurn(work);
      throw new InvalidArgumentError(
        `repository.attempt() takes a function, as in attempt(async () => { … }), got ${kindOf(work)}.`,
      );
    });
  }

  get #started(): RepositoryCalls {
    this.#calls ??= new RepositoryCalls(this.#call);
    return this.#calls;
  }

  #start<A extends Aggregate, T>(
    name: string,
    aggregateClass: AggregateClass<A>,
    id: string,
    answer: (found: A | undefined) => T,
  ): Promise<T> {
    const finish = (found: A | undefined): T => {
      if (found !== undefined && !this.#call.hasEnded) this.#batch.aggregates.lend(found);
      return answer(found);
    };
    const text = () => `${name}(${aggregateClass?.name}, '${id}')`;
    return this.#started.start(text, () => {
      const found = this.#find(aggregateClass, id);
      return found instanceof Promise
        ? found.then(finish, (error) => this.#noteFailure(error))
        : finish(found);
    });
  }

  #find<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): A | undefined | Promise<A | undefined> {
    try {
      return this.#batch.aggregates.find(aggregateClass, id);
    } catch (error) {
      return this.#noteFailure(error);
    }
  }

  /** Notes that the repository could not read, so that the handler is repeated even if it catches the error. */
  #noteFailure(error: unknown): never {
    if (isUnread(error)) this.#call.unread ??= error;
    throw error;
  }

  /** Undoes an attempt. If that fails, earlier changes may be lost, so the policy fails even if it catches the error. */
  async #undo(attempt: PolicyCall, after: number): Promise<void> {
    try {
      await this.#batch.aggregates.undo(attempt, after);
    } catch (error) {
      this.#call.fault ??= error;
      this.#noteFailure(error);
    }
  }

  /** Runs attempts that are started at the same time one after the other. An attempt in an attempt runs at once. */
  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const call = this.#call;
    const parent = currentCall();
    if (parent?.root !== call) {
      throw new InvalidPolicyError(
        `The policy of '${call.applicationName}' called repository.attempt() outside of its own asynchronous context: ` +
          'call it in the handler, or in a function that the handler awaits.',
      );
    }
    this.#turns ??= new Map();
    const turns = this.#turns.get(parent) ?? new Mutex();
    this.#turns.set(parent, turns);
    return turns.run(() => this.#attempt(parent, work));
  }

  async #attempt<T>(parent: PolicyCall, work: () => T | Promise<T>): Promise<T> {
    await undefined; // also the first attempt begins when the handler waits
    this.#started.assertRunning(); // it may have ended meanwhile
    const attempt = new PolicyCall(parent.applicationName, parent);
    const after = aggregateInternals.lastOrder();
    try {
      return await runInAttempt(attempt, work);
    } catch (error) {
      attempt.hasEnded = true;
      await this.#undo(attempt, after);
      throw error;
    } finally {
      attempt.hasEnded = true;
      for (const aggregate of attempt.changed) parent.noteChange(aggregate);
    }
  }
}
