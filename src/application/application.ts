import type { Aggregate, AggregateClass } from '../domain/aggregate.ts';
import type { DomainEvent } from '../domain/event.ts';
import { eventsIn } from '../domain/events/split-event.ts';
import type { RecordedEvent } from '../domain/provenance.ts';
import type { Prompt } from '../storage/prompt.ts';
import { markClass } from '../util/environment/copies.ts';
import { inRootContext } from '../util/environment/root-context.ts';
import { ListenerSet } from '../util/listener-set.ts';
import {
  type ApplicationBinding,
  type OpenApplicationOptions,
  standaloneBinding,
} from './application-binding.ts';
import { type ForgetKeysOptions, forgetKeys } from './commands/forget-keys.ts';
import { saveWith } from './commands/save.ts';
import { updateAggregate } from './commands/update.ts';
import type { Updated, UpdateOptions } from './commands/update-options.ts';
import type { ApplicationDeclaration } from './declaration.ts';
import { ApplicationNotOpenError, ApplicationOwnedByRunnerError, InvalidPolicyError } from './errors.ts';
import type { NotificationLog } from './log/notification-log.ts';
import { NotificationLogReader } from './log/notification-log-reader.ts';
import { type OpenPipeline, OpenPipelines } from './open-pipeline.ts';
import { currentPolicy } from './policy/current-policy.ts';
import type { PolicyNeeds, ResourcesIn } from './policy/policy-context.ts';
import type { EventStore } from './recording/event-store.ts';
import type { Repository } from './recording/repository.ts';
import type { Saved, SaveOptions } from './recording/save-options.ts';
import type { Resources } from './resources/resources.ts';

/** A class of applications. The constructor takes no arguments and only sets fields. */
export type ApplicationClass<A extends Application = Application> = (new () => A) & ApplicationDeclaration;

/** Operations on applications that only runners may call. */
export interface ApplicationInternals {
  /** Opens the application. */
  bind(application: Application, binding: ApplicationBinding): void;
  /** Closes the application, even if it belongs to a runner. */
  close(application: Application): Promise<void>;
  storeOf(application: Application): EventStore;
  /** Calls the listeners with a new head of the log. */
  publish(application: Application, pipelineId: number, head: number): void;
}

export let applicationInternals: ApplicationInternals;

/** The option `resources`, which must be given if a class of applications needs resources. */
export type ResourcesOption<A extends Application> = unknown extends A['resources']
  ? unknown
  : { readonly resources: Resources<A['resources'] & object> };

/**
 * Records the events of its aggregates in one log. Commands are methods that make or get aggregates, change them and
 * `save` them.
 *
 * @example
 * class Sales extends Application<OrderEvent> {
 *   static readonly applicationName = 'sales';
 *   static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
 *
 *   async place(customer: string) {
 *     const order = Order.place(customer);
 *     await this.save(order);
 *     return order.id;
 *   }
 * }
 *
 * await using sales = await Sales.open({ storage: memory() });
 * const id = await sales.place('ada');
 * await sales.repository.get(Order, id);
 */
export abstract class Application<
  out Emits extends DomainEvent = DomainEvent,
  out Needs extends PolicyNeeds = PolicyNeeds,
> {
  readonly #listeners = new ListenerSet<Prompt>();
  #pipelines: OpenPipelines | undefined;
  #wasOpened = false;
  /** Aborted when the application is closed: live tails of its readers end. */
  readonly #closed = new AbortController();

  /**
   * Opens an application without a runner: it follows no other application. Close it, or declare it with `await using`.
   *
   * @throws {@link InvalidOptionError} if an option is unknown, missing or has an invalid value.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   * @example
   * await using orders = await Orders.open({ storage: memory() });
   * await orders.place('ada');
   */
  static async open<A extends Application>(
    this: ApplicationClass<A>,
    options: OpenApplicationOptions & ResourcesOption<A>,
  ): Promise<A> {
    const application = new this();
    applicationInternals.bind(application, await inRootContext(standaloneBinding, this, options));
    return application;
  }

  /** Durable name of the log. */
  get applicationName(): string {
    return (this.constructor as unknown as ApplicationClass).applicationName;
  }

  /** Pipeline in whose log the application records. */
  get pipelineId(): number {
    return this.#opened.store.pipelineId;
  }

  /**
   * Makes the application record in the log of another pipeline, and read that log. Earlier saves are recorded where
   * they were made.
   *
   * @throws {@link InvalidIdError} if `pipelineId` is not an integer from 0 to 2147483647.
   * @throws {@link PipelineFixedError} if the application follows others or belongs to a runner: open another
   * instance, or get it from the runner.
   */
  changePipeline(pipelineId: number): void {
    this.#open.change(pipelineId);
  }

  /**
   * Repository of the application's aggregates. In a policy, use the repository that the handler is given instead.
   *
   * @throws {@link InvalidPolicyError} if the policy of this application reads it.
   * @throws {@link ApplicationNotOpenError} if the application is not open.
   */
  get repository(): Repository<Emits> {
    if (currentPolicy() === this.applicationName) {
      throw new InvalidPolicyError(
        `The policy of '${this.applicationName}' used this.repository, whose changes would not be recorded. ` +
          'Use the repository that the handler is given.',
      );
    }
    return this.#opened.repository;
  }

  /**
   * Resources of the system, made by {@link defineResources}. Their type is that in the last type parameter of the class.
   *
   * @throws {@link ApplicationNotOpenError} if the application is not open.
   */
  get resources(): ResourcesIn<Needs> {
    return this.#open.binding.resources as ResourcesIn<Needs>;
  }

  /** Log of the application's events, in the order in which they were recorded. */
  get log(): NotificationLog {
    return this.#opened.log;
  }

  /** Returns a reader that decodes the events of the log, starting at the first event. */
  reader(): NotificationLogReader<Emits> {
    const { log, store } = this.#opened;
    const { readerClass = NotificationLogReader } = this.constructor as unknown as ApplicationClass;
    return new readerClass<Emits>({
      log,
      decode: (stored) => eventsIn(store.mapper.toRecorded(stored)) as readonly RecordedEvent<Emits>[],
      subscribe: (listener) => this.#listeners.add(listener),
      closed: this.#closed.signal,
    });
  }

  /**
   * Records the pending events of aggregates, all or nothing, in the order in which they were triggered. With a
   * single-threaded runner, resolves when everything that follows from these events is processed.
   *
   * @param args Aggregates or one array of aggregates, and options as the last argument if any. JavaScript limits the
   * number of arguments: pass more than 10,000 aggregates as an array.
   * @example
   * await orders.save(Order.place('ada'), { metadata: { user: 'ada' } });
   * await orders.save([Order.place('ada'), Order.place('bob')]);
   * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
   * @throws {@link InvalidArgumentError} if an argument is no aggregate, or metadata cannot be restored exactly.
   * @throws {@link RecordConflictError} if an aggregate was changed by a concurrent save: get it again and repeat.
   * @throws {@link IdempotencyKeyReusedError} if another command is recorded with the option `idempotencyKey`.
   * @throws {@link KeysUnsupportedError} if the storage keeps no idempotency keys.
   * @throws {@link AggregateDiscardedError} if a new aggregate has the id of one that is discarded.
   * @throws {@link EventInvalidError} if the data of an event does not fit the schema of its type.
   * @throws {@link InvalidSchemaError} if a schema is asynchronous, throws, or changes the data.
   * @throws {@link EventNotEncodableError} if the data of an event cannot be restored exactly.
   * @throws {@link SnapshotNotEncodableError} if the class of an aggregate has snapshots that cannot hold its state.
   * @throws {@link LimitExceededError} if an id or the data is too large.
   * @throws {@link InvalidTimestampError} if the time of an event is not an integer.
   * @throws {@link UndeclaredEventError} if the type of an event is not listed in `emits`.
   * @throws {@link UnsavableEventError} if the type of an event is not listed in `saves`.
   * @throws {@link TooManySavesError} if too many saves wait for the storage.
   * @throws {@link StorageError} if the storage fails. Nothing is recorded, unless the code is `STORAGE_OUTCOME_UNKNOWN`.
   * @throws {@link SaveInPolicyError} if a policy calls this method.
   * @throws {@link DownstreamError} if the events are recorded, but an application failed on them or on what follows from
   * them, or waits for another pipeline or another version.
   * @throws {@link RunnerClosedError} if the events are recorded, but the runner is closed before their followers finish.
   */
  async save(
    ...args:
      | readonly Aggregate<Emits>[]
      | readonly [...aggregates: Aggregate<Emits>[], options: SaveOptions | undefined]
      | readonly [aggregates: readonly Aggregate<Emits>[], options?: SaveOptions | undefined]
  ): Promise<Saved> {
    return await saveWith(this.#opened, args); // passes the result on sooner than without await
  }

  /**
   * Gets an aggregate, calls a function with it, and records the events that the function triggers. Does so again, with a
   * fresh aggregate, if another writer has changed the aggregate meanwhile. Updates of one aggregate run one after the
   * other in a thread. With a single-threaded runner, resolves when everything that follows from the events is processed.
   *
   * @param change Changes this aggregate and no other. May be called several times, and may be asynchronous. If it
   * throws, nothing is recorded. If it triggers nothing, the count of events is 0.
   * @example
   * const id = await orders.place('ada');
   * const { result } = await orders.update(Order, id, (order) => {
   *   order.reserve('reservation 1');
   *   return order.customer;
   * });
   * @throws {@link ResultNotEncodableError} if the option `idempotencyKey` is given, and the result cannot be restored
   * exactly.
   * @throws {@link UpdateConflictError} if every try has lost a race to another writer.
   * @throws {@link InvalidArgumentError} if `change` is no function, or `create` does not make the aggregate.
   * @throws {@link SaveInPolicyError} if a policy calls this method.
   * @throws all other errors of {@link Repository.get} and {@link save}.
   */
  async update<A extends Aggregate<Emits>, Result>(
    aggregateClass: AggregateClass<A>,
    id: string,
    change: (aggregate: A) => Result,
    options: UpdateOptions<A> = {},
  ): Promise<Updated<Awaited<Result>>> {
    return await updateAggregate(this.#opened, { aggregateClass, id, change }, options);
  }

  /**
   * Forgets idempotency keys of a certain age: a command with such a key is recorded again. Deletes them in small
   * transactions, so it may run beside commands. Resolves with their number.
   *
   * @example
   * await orders.forgetKeys({ olderThanMs: 86_400_000 }); // of more than a day ago
   * @throws {@link InvalidOptionError} if an option is unknown, missing or has an invalid value.
   * @throws {@link KeysUnsupportedError} if the storage keeps no idempotency keys.
   * @throws {@link StorageError} if the storage fails.
   */
  async forgetKeys(options: ForgetKeysOptions): Promise<number> {
    return await forgetKeys(this.#opened.store, options);
  }

  /**
   * Records a snapshot of an aggregate's newest state, so that the aggregate loads without its earlier events.
   *
   * @throws {@link AggregateNotFoundError} if the aggregate does not exist or is discarded.
   * @throws {@link SnapshotNotEncodableError} if the state cannot be restored exactly.
   * @throws {@link LimitExceededError} if the snapshot is too large.
   * @throws {@link StorageError} if the storage fails.
   */
  async takeSnapshot<A extends Aggregate<Emits>>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): Promise<void> {
    const { store, repository } = this.#opened;
    await store.recordSnapshot(await repository.get(aggregateClass, id));
  }

  /**
   * Calls the listener whenever this object has recorded events, until the returned function is called. An error of a
   * listener becomes an uncaught exception of the process and does not affect the save.
   */
  subscribe(listener: (prompt: Prompt) => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Waits for running saves and releases everything. A second call does nothing.
   *
   * @throws {@link ApplicationOwnedByRunnerError} if the application belongs to a runner: close the runner.
   */
  async close(): Promise<void> {
    if (this.#pipelines?.binding.belongsToRunner)
      throw new ApplicationOwnedByRunnerError(this.applicationName);
    await this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const pipelines = this.#pipelines;
    if (pipelines === undefined) return;
    this.#pipelines = undefined;
    this.#closed.abort(new ApplicationNotOpenError(this.applicationName, 'closed'));
    await pipelines.close().finally(() => this.#listeners.clear());
  }

  get #opened(): OpenPipeline {
    return this.#open.current;
  }

  get #open(): OpenPipelines {
    if (this.#pipelines !== undefined) return this.#pipelines;
    throw new ApplicationNotOpenError(this.applicationName, this.#wasOpened ? 'closed' : 'not opened');
  }

  #publish(pipelineId: number, head: number): void {
    this.#listeners.call({ applicationName: this.applicationName, pipelineId, head });
  }

  static {
    markClass(Application);
    applicationInternals = {
      bind(application, binding) {
        const grown = (pipelineId: number, head: number) => application.#publish(pipelineId, head);
        application.#pipelines = new OpenPipelines(binding, grown);
        application.#wasOpened = true;
      },
      close: (application) => application.#close(),
      storeOf: (application) => application.#opened.store,
      publish: (application, pipelineId, head) => application.#publish(pipelineId, head),
    };
  }
}
