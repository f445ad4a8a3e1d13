import {
  Aggregate,
  type AggregateClass,
  aggregateInternals,
  type PendingEvent,
} from '../domain/aggregate.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { Prompt } from '../storage/prompt.ts';
import { assertPipelineId } from '../util/ids.ts';
import { InvalidArgumentError } from '../util/options.ts';
import {
  type ApplicationBinding,
  type OpenApplicationOptions,
  standaloneBinding,
} from './application-binding.ts';
import type { ApplicationDeclaration } from './declaration.ts';
import {
  ApplicationNotOpenError,
  ApplicationOwnedByRunnerError,
  InvalidPolicyError,
  PipelineFixedError,
  SaveInPolicyError,
} from './errors.ts';
import { currentPolicy } from './following/current-policy.ts';
import { type NotificationLog, RecordedNotificationLog } from './log/notification-log.ts';
import { NotificationLogReader } from './log/notification-log-reader.ts';
import { CommitQueue } from './recording/commit-queue.ts';
import type { EventStore, PreparedEvents } from './recording/event-store.ts';
import { Repository } from './recording/repository.ts';

/** A class of applications. The constructor takes no arguments and only sets fields. */
export type ApplicationClass<A extends Application = Application> = (new () => A) & ApplicationDeclaration;

/** What runners do with an application, and its users do not. */
export interface ApplicationInternals {
  bind(application: Application, binding: ApplicationBinding): void;
  close(application: Application): Promise<void>;
  storeOf(application: Application): EventStore;
  publish(application: Application, pipelineId: number, head: number): void;
}

export let applicationInternals: ApplicationInternals;

/**
 * Records the events of its aggregates in one log. Commands are its methods: they make or get aggregates,
 * change them and `save` them.
 *
 * @example
 * class Accounts extends Application<AccountEvent> {
 *   static readonly applicationName = 'accounts';
 *   static readonly emits = ['Account.Opened', 'Account.Closed'] as const;
 *   async open(owner: string) {
 *     const account = Account.open(owner);
 *     await this.save(account);
 *     return account.id;
 *   }
 * }
 */
export abstract class Application<out Emits extends DomainEvent = DomainEvent> {
  readonly #listeners = new Set<(prompt: Prompt) => void>();
  /** Those that it has worked in since it was opened. */
  readonly #pipelines = new Map<number, OpenPipeline>();
  #binding: ApplicationBinding | undefined;
  #pipeline: OpenPipeline | undefined;
  #state: 'not opened' | 'open' | 'closed' = 'not opened';

  /**
   * Opens an application by itself, without a runner. Close it, or declare it with `await using`.
   *
   * @example await using accounts = await Accounts.open({ storage: sqlite({ directory: 'data' }) });
   */
  static async open<A extends Application>(
    this: ApplicationClass<A>,
    options: OpenApplicationOptions,
  ): Promise<A> {
    const application = new this();
    applicationInternals.bind(application, await standaloneBinding(this, options));
    return application;
  }

  /** The durable name of its log. */
  get applicationName(): string {
    return (this.constructor as unknown as ApplicationClass).applicationName;
  }

  /** The pipeline in whose log it records. */
  get pipelineId(): number {
    return this.#opened.store.pipelineId;
  }

  /**
   * Records in the log of another pipeline from now on, and reads that; saves under way stay where they are.
   *
   * @throws InvalidIdError if it is no pipeline id.
   * @throws PipelineFixedError if it is at work for others in its pipeline: open another one, or get it from the runner.
   */
  changePipeline(pipelineId: number): void {
    const { store } = this.#opened;
    assertPipelineId(pipelineId);
    if (pipelineId === store.pipelineId) return;
    if (!this.#binding?.mayChangePipeline)
      throw new PipelineFixedError(this.applicationName, store.pipelineId);
    this.#enter(store.inPipeline(pipelineId), this.#binding);
  }

  /** Gets its aggregates; in its own policy, use the repository that the policy is given. */
  get repository(): Repository<Emits> {
    if (currentPolicy() === this.applicationName) {
      throw new InvalidPolicyError(
        `The policy of '${this.applicationName}' used this.repository: what it changes there would not be recorded. ` +
          'Use the repository that the handler is given.',
      );
    }
    return this.#opened.repository;
  }

  /** Its events in the order they were recorded. */
  get log(): NotificationLog {
    return this.#opened.log;
  }

  /** Reads its log with the events decoded, from the beginning unless told to seek. */
  reader(): NotificationLogReader<Emits> {
    const { log, store } = this.#opened;
    return new NotificationLogReader<Emits>(log, (stored) => store.mapper.toEvent(stored) as Emits);
  }

  /**
   * Records what was triggered on these aggregates, all of it or nothing, in the order of triggering. Under a
   * single-threaded runner it resolves when the system has processed everything that follows.
   *
   * @throws RecordConflictError if somebody else has changed one of them meanwhile: get it again and repeat.
   * @throws EventNotEncodableError if an event's data would not come back as it is.
   * @throws DownstreamError if all is recorded, but an application that follows has failed.
   */
  async save(...aggregates: readonly Aggregate<Emits>[]): Promise<void> {
    const { store, queue } = this.#opened;
    const policyOf = currentPolicy();
    if (policyOf !== undefined) throw new SaveInPolicyError(this.applicationName, policyOf);
    for (const aggregate of aggregates) this.#assertAggregate(aggregate);
    const distinct = aggregates.length > 1 ? [...new Set(aggregates)] : aggregates;
    // What a save under way holds comes first: recorded behind it, or put back if it fails.
    let underway = distinct.filter(aggregateInternals.saving);
    while (underway.length > 0) {
      await Promise.allSettled(underway.map(aggregateInternals.saving));
      underway = distinct.filter(aggregateInternals.saving);
    }
    const taken = distinct.map((aggregate) => aggregateInternals.pending(aggregate));
    const pending = taken.length > 1 ? taken.flat().sort((a, b) => a.order - b.order) : (taken[0] ?? []);
    if (pending.length === 0) return;
    const saving = this.#submit(queue, store.prepare(pending, distinct), distinct, taken);
    for (const aggregate of distinct) aggregateInternals.setSaving(aggregate, saving);
    await saving;
  }

  /** Records a snapshot of an aggregate's newest state, so that it loads without its earlier events. */
  async takeSnapshot<A extends Aggregate<Emits>>(kind: AggregateClass<A>, id: string): Promise<void> {
    const { store, repository } = this.#opened;
    await store.recordSnapshot(store.snapshotOf(await repository.get(kind, id)));
  }

  /**
   * Calls the listener whenever this object has recorded events, until the function it returns is called.
   * What a listener throws becomes an uncaught exception of the process; the save it heard of is not
   * affected.
   */
  subscribe(listener: (prompt: Prompt) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Lets the saves under way end, and releases everything. Calling it again does nothing.
   *
   * @throws ApplicationOwnedByRunnerError if it was got from a runner: it is closed with the runner.
   */
  async close(): Promise<void> {
    if (this.#binding?.belongsToRunner) throw new ApplicationOwnedByRunnerError(this.applicationName);
    await this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const binding = this.#binding;
    this.#state = 'closed';
    if (binding === undefined) return;
    this.#binding = undefined;
    this.#pipeline = undefined;
    for (const { queue } of this.#pipelines.values()) await queue.idle();
    this.#listeners.clear();
    await binding.release();
  }

  async #submit(
    queue: CommitQueue,
    prepared: PreparedEvents,
    aggregates: readonly Aggregate[],
    taken: readonly (readonly PendingEvent[])[],
  ): Promise<void> {
    for (const aggregate of aggregates) aggregateInternals.takePending(aggregate);
    try {
      await queue.submit(prepared);
    } finally {
      for (const [i, aggregate] of aggregates.entries()) {
        if (!prepared.recorded) aggregateInternals.putBack(aggregate, taken[i] ?? []);
        aggregateInternals.setSaving(aggregate, undefined);
      }
    }
  }

  #assertAggregate(aggregate: unknown): void {
    if (aggregate instanceof Aggregate) return;
    const kind = Array.isArray(aggregate) ? 'an array: spread it' : typeof aggregate;
    throw new InvalidArgumentError(
      `save() of application '${this.applicationName}' takes aggregates, not ${kind}.`,
    );
  }

  get #opened(): OpenPipeline {
    if (this.#pipeline !== undefined) return this.#pipeline;
    throw new ApplicationNotOpenError(
      this.applicationName,
      this.#state === 'closed' ? 'closed' : 'not opened',
    );
  }

  #bind(binding: ApplicationBinding): void {
    this.#binding = binding;
    this.#enter(binding.store, binding);
    this.#state = 'open';
  }

  /** Works in the pipeline of a store from now on; coming back to one, as before. */
  #enter(store: EventStore, { turn }: ApplicationBinding): void {
    const { applicationName, pipelineId, recorder } = store;
    this.#pipeline = this.#pipelines.get(pipelineId) ?? {
      store,
      queue: new CommitQueue(store, {
        turn: (commit) => turn(commit),
        grown: (head) => this.#publish(pipelineId, head),
      }),
      repository: new Repository<Emits>(applicationName, store.loader),
      log: new RecordedNotificationLog(recorder, applicationName, pipelineId),
    };
    this.#pipelines.set(pipelineId, this.#pipeline);
  }

  #publish(pipelineId: number, head: number): void {
    const { applicationName } = this;
    for (const listener of this.#listeners) {
      try {
        listener({ applicationName, pipelineId, head });
      } catch (error) {
        // The events are on record, whatever a listener makes of that: its error is nobody's here.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  static {
    applicationInternals = {
      bind: (application, binding) => application.#bind(binding),
      close: (application) => application.#close(),
      storeOf: (application) => application.#opened.store,
      publish: (application, pipelineId, head) => application.#publish(pipelineId, head),
    };
  }
}

/** What an application works with in one pipeline. */
interface OpenPipeline {
  readonly store: EventStore;
  readonly queue: CommitQueue;
  readonly repository: Repository;
  readonly log: NotificationLog;
}
