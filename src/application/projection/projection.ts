import { Aggregate } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { isInstance, kindOf } from '../../util/errors.ts';
import { type Application, type ApplicationClass, applicationInternals } from '../application.ts';
import { InvalidPolicyError } from '../errors.ts';
import type { Policy, PolicyHandler, PolicyHandlers } from '../policy/policy.ts';
import type { PolicyContext } from '../policy/policy-context.ts';
import { policyOf } from '../policy/policy-definition.ts';
import { ProcessApplication } from '../process-application.ts';
import { ProjectionCommandError } from './errors.ts';
import type { OpenSchema } from './open-schema.ts';
import {
  type CreateContext,
  type ProjectionHandler,
  type ProjectionHandlers,
  type ProjectionNeeds,
  type ReadContext,
  RowsContext,
} from './projection-context.ts';
import { schemaNameOf } from './projection-declaration.ts';
import type { SchemaRecorder } from './schema-recorder.ts';

/**
 * An application that records rows instead of events: a read model. Its handlers write rows for the events that it follows,
 * in one transaction with the position, so that every event is in the rows exactly once.
 *
 * With a higher `schema`, new tables are built from all events beside the live ones, and replace them at once when they have
 * caught up. See the page "Read models".
 *
 * @example
 * import type { DatabaseSync } from 'node:sqlite';
 *
 * class OrderList extends Projection<OrderEvent, { rows: DatabaseSync }> {
 *   static readonly applicationName = 'order-list';
 *   static readonly schema = 1;
 *   static readonly tables = ['orders'] as const;
 *   static readonly rows = sqliteRows;
 *
 *   override create({ db, tables }: CreateContext<DatabaseSync>) {
 *     db.exec(`create table ${tables.orders} (id text primary key, customer text not null) strict`);
 *   }
 *
 *   override readonly policy = this.project({
 *     'Order.Created': (event, { db, tables }) =>
 *       db.prepare(`insert into ${tables.orders} values (?, ?)`).run(event.originatorId, event.data.customer),
 *   });
 * }
 *
 * await using runner = await run(System.of([[Orders, OrderList]]), { storage: sqlite({ file: 'shop.db' }) });
 * await runner.get(Orders).save(Order.place('ada'));
 * await runner.get(OrderList).read(({ db, tables }) => db.prepare(`select * from ${tables.orders}`).all());
 */
export abstract class Projection<
  Follows extends DomainEvent = DomainEvent,
  Needs extends ProjectionNeeds = ProjectionNeeds,
> extends ProcessApplication<never, Follows, Needs> {
  /** @internal */
  static readonly isProjection: boolean = true;
  /** A projection records no events. */
  static readonly emits: readonly never[] = [];

  /** Name under which storage keeps the position of the schema. */
  static get recordedAs(): string {
    const { applicationName, schema } = this as unknown as { applicationName: string; schema: number };
    return schemaNameOf(applicationName, schema);
  }

  /**
   * Creates the tables of the schema, in the transaction in which the schema is recorded. Called exactly once for a schema in
   * a storage, also if several hosts start at once.
   */
  abstract create(context: CreateContext<Needs['rows']>): void | Promise<void>;

  /**
   * Makes a policy from a handler for each type of event, and an optional handler for all other types.
   *
   * @throws {@link InvalidPolicyError} if a handler is not a function.
   */
  protected project(
    handlers: ProjectionHandlers<Follows, Needs>,
    otherwise?: ProjectionHandler<Follows, Needs>,
  ): Policy<Follows, never> {
    const { applicationName } = this;
    const inRows = withRows<Follows, Needs>(applicationName, () => recorderOf(this).schema);
    const adapt = (handler: unknown) => (typeof handler === 'function' ? inRows(handler as never) : handler);
    const isObject = kindOf(handlers) === 'an object';
    const adapted: unknown = isObject
      ? Object.fromEntries(Object.entries(handlers).map(([type, handler]) => [type, adapt(handler)]))
      : handlers; // refused below
    return policyOf<Follows, never, Needs>(
      this.constructor as unknown as ApplicationClass,
      adapted as PolicyHandlers<Follows, never, Needs>,
      adapt(otherwise) as PolicyHandler<Follows, never, Needs> | undefined,
    );
  }

  /** Refused: handlers of a projection write rows. Use {@link project}. */
  protected override when(): never {
    throw new InvalidPolicyError(
      `Projection '${this.applicationName}' uses this.when(), whose handlers record events. Use this.project({ … }).`,
    );
  }

  /**
   * Calls `read` with a handle that reads rows as of one moment, and resolves with its result. Reads the schema of this
   * program, or the live one while that of this program is being built: `schema` says which.
   *
   * @throws {@link SchemaDroppedError} if the tables were dropped, because a later schema is live.
   * @throws {@link StorageError} if the storage fails.
   */
  async read<T>(read: (context: ReadContext<Needs['rows']>) => T | Promise<T>): Promise<T> {
    const recorder = recorderOf(this);
    const { rows, tables, schema } = await recorder.liveRows.find();
    try {
      return await rows.read((db: unknown) => read({ db: db as Needs['rows'], tables, schema }));
    } catch (error) {
      throw await recorder.schema.explained(error);
    }
  }

  /** Refused: a projection records no events. */
  override save(): Promise<never> {
    return Promise.reject(new ProjectionCommandError(this.applicationName, 'save'));
  }

  /** Refused: a projection records no events. */
  override update(): Promise<never> {
    return Promise.reject(new ProjectionCommandError(this.applicationName, 'update'));
  }
}

/** Returns the recorder of an open projection. Throws {@link ApplicationNotOpenError} if it is not open. */
export function recorderOf(projection: Application): SchemaRecorder {
  return applicationInternals.storeOf(projection).recorder as SchemaRecorder; // see `openStore`
}

/** Returns a function that turns handlers of a projection into handlers of its policy. */
function withRows<Follows extends DomainEvent, Needs extends ProjectionNeeds>(
  applicationName: string,
  schemaOf: () => OpenSchema,
): (handler: ProjectionHandler<Follows, Needs>) => PolicyHandler<Follows, never, Needs> {
  let last: { readonly given: PolicyContext<Needs>; readonly context: RowsContext<Needs> } | undefined;
  const contextFor = async (given: PolicyContext<Needs>): Promise<RowsContext<Needs>> => {
    const db = await given.rows();
    const context = new RowsContext(given, db, schemaOf().tables);
    last = { given, context };
    return context;
  };
  const finish = (result: unknown): void => {
    if (!isInstance(result, Aggregate)) return;
    throw new InvalidPolicyError(
      `A handler of projection '${applicationName}' returned ${result.constructor.name} '${result.id}', but a projection ` +
        'records no events: write rows, and let another application record the events.',
    );
  };
  return (handler) => (event, _repository, given) => {
    const handle = (context: RowsContext<Needs>): unknown => handler(event, context);
    try {
      const result = last?.given === given ? handle(last.context) : contextFor(given).then(handle);
      if (!(result instanceof Promise)) return finish(result);
      return result.then(finish).catch(async (error) => Promise.reject(await schemaOf().explained(error)));
    } catch (error) {
      return schemaOf()
        .explained(error)
        .then((explained) => Promise.reject(explained));
    }
  };
}
