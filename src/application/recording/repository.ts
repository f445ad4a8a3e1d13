import { type Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { integer } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { AggregateNotFoundError } from '../errors.ts';
import type { AggregateLoader } from './aggregate-loader.ts';

/** Options of {@link Repository.get} and {@link Repository.has}. */
export interface GetOptions {
  /** Version of the state to get: the number of events applied. @default the newest */
  readonly version?: number;
}

const getOptions: OptionRules<GetOptions> = { version: integer({ least: 0 }) };

/** Gets aggregates of one application. Every call returns a new object with the recorded state. */
export class Repository<E extends DomainEvent = DomainEvent> {
  readonly #applicationName: string;
  readonly #loader: AggregateLoader;
  readonly #failed: (error: unknown) => void;

  /**
   * @internal
   * @param failed Called with each error of reading, in the context of the caller.
   */
  constructor(applicationName: string, loader: AggregateLoader, failed: (error: unknown) => void) {
    this.#applicationName = applicationName;
    this.#loader = loader;
    this.#failed = failed;
  }

  /**
   * Gets an aggregate.
   *
   * @throws {@link AggregateNotFoundError} if the aggregate does not exist, never had this version, or is discarded.
   * @throws {@link AggregateLoadError} if `apply`, the decoding of an event or the constructor fails.
   * @throws {@link UnknownEventError} if the application does not list the type of an event in `emits`.
   * @throws {@link SnapshotNotEncodableError} if the class has snapshots, and private fields that they do not hold.
   * @throws {@link InvalidArgumentError} if the class is no class of aggregates.
   * @throws {@link InvalidIdError} if the id is empty or storage cannot keep it.
   * @throws {@link InvalidOptionError} if an option is unknown or has an invalid value.
   * @throws {@link StorageError} if the storage fails.
   */
  async get<A extends Aggregate<E>>(
    aggregateClass: AggregateClass<A>,
    id: string,
    options?: GetOptions,
  ): Promise<A> {
    const aggregate = await this.#find(aggregateClass, id, options);
    if (aggregate === undefined || aggregateInternals.isDiscarded(aggregate)) {
      throw new AggregateNotFoundError(this.#applicationName, aggregateClass.name, id, options?.version);
    }
    return aggregate;
  }

  /**
   * Whether `get` would find an aggregate: false also for one that is discarded.
   *
   * @throws all errors of `get` except {@link AggregateNotFoundError}.
   */
  async has<A extends Aggregate<E>>(
    aggregateClass: AggregateClass<A>,
    id: string,
    options?: GetOptions,
  ): Promise<boolean> {
    const aggregate = await this.#find(aggregateClass, id, options);
    return aggregate !== undefined && !aggregateInternals.isDiscarded(aggregate);
  }

  /**
   * Whether an aggregate is discarded, so that none with this id can be created.
   *
   * @throws all errors of `get` except {@link AggregateNotFoundError}.
   */
  async wasDiscarded<A extends Aggregate<E>>(
    aggregateClass: AggregateClass<A>,
    id: string,
  ): Promise<boolean> {
    const aggregate = await this.#find(aggregateClass, id);
    return aggregate !== undefined && aggregateInternals.isDiscarded(aggregate);
  }

  /** Finds an aggregate, also one that is discarded. */
  async #find<A extends Aggregate<E>>(
    aggregateClass: AggregateClass<A>,
    id: string,
    options?: GetOptions,
  ): Promise<A | undefined> {
    if (options !== undefined) resolveOptions(options, getOptions, 'Repository.get()');
    await yieldIfBusy();
    try {
      if (options?.version !== undefined)
        return await this.#loader.loadAt(aggregateClass, id, options.version);
      return await this.#loader.load(aggregateClass, id);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }
}
