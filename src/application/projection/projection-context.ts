import type { DomainEvent, EventOfType } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { PolicyContext, PolicyNeeds } from '../policy/policy-context.ts';
import type { ProjectionTables } from './table-names.ts';

/** What a projection uses: the handle of the database driver, and resources of the system if any. */
export interface ProjectionNeeds extends PolicyNeeds {
  /** Handle by which rows are written and read: `DatabaseSync` of `node:sqlite` or `PoolClient` of `pg`. */
  readonly rows: unknown;
}

/** What {@link Projection.create} uses to create the tables of a schema. */
export interface CreateContext<Handle = unknown> {
  /** Handle of the transaction in which the schema is recorded. */
  readonly db: Handle;
  /** Tables of the schema, quoted for SQL. */
  readonly tables: ProjectionTables;
  /** Returns the name of an index or another object that belongs to this schema alone, quoted for SQL. */
  nameOf(name: string): string;
}

/** What a handler of a projection uses. */
export interface ProjectionContext<Needs extends ProjectionNeeds = ProjectionNeeds>
  extends Pick<PolicyContext<Needs>, 'resources' | 'signal' | 'isReplay'> {
  /** Handle of the transaction in which the position is recorded. */
  readonly db: Needs['rows'];
  /** Tables of the schema, quoted for SQL. */
  readonly tables: ProjectionTables;
}

/** What {@link Projection.read} uses. */
export interface ReadContext<Handle = unknown> {
  /** Handle that reads as of one moment. */
  readonly db: Handle;
  /** Tables of the schema that is read, quoted for SQL. */
  readonly tables: ProjectionTables;
  /** The schema that is read: that of this program, or the live one while that of this program is being built. */
  readonly schema: number;
}

/** Handles one event: writes rows. What it returns is ignored, and promises are awaited. */
export type ProjectionHandler<Event extends DomainEvent, Needs extends ProjectionNeeds = ProjectionNeeds> = (
  event: RecordedEvent<Event>,
  context: ProjectionContext<Needs>,
) => unknown;

/** Handlers by event type. Types without a handler are ignored. */
export type ProjectionHandlers<
  Follows extends DomainEvent,
  Needs extends ProjectionNeeds = ProjectionNeeds,
> = {
  readonly [Type in Follows['type']]?: ProjectionHandler<EventOfType<Follows, Type>, Needs>;
};

/** The context of the handlers of a batch, for a context of policies. */
export class RowsContext<Needs extends ProjectionNeeds> implements ProjectionContext<Needs> {
  readonly db: Needs['rows'];
  readonly tables: ProjectionTables;
  readonly #given: PolicyContext<Needs>;

  constructor(given: PolicyContext<Needs>, db: Needs['rows'], tables: ProjectionTables) {
    this.#given = given;
    this.db = db;
    this.tables = tables;
  }

  get resources(): PolicyContext<Needs>['resources'] {
    return this.#given.resources;
  }

  get signal(): AbortSignal {
    return this.#given.signal;
  }

  get isReplay(): boolean {
    return this.#given.isReplay;
  }
}
