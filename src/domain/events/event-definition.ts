import { kindOf } from '../../util/errors.ts';
import { flag, integer } from '../../util/option-rules.ts';
import {
  assertFunction,
  InvalidArgumentError,
  type OptionRules,
  resolveOptions,
} from '../../util/options.ts';
import type { DeepReadonly } from '../event.ts';
import { isSchema, type SchemaOutput, type StandardSchema } from './standard-schema.ts';

/** Type and data of an event, as the upcast of a former event returns them. */
export interface UpcastEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** Options of {@link event}. */
export interface EventOptions {
  /**
   * Whether the event gets a place in the notification log, where followers and readers find it. An event without one
   * belongs to the history of its aggregate only.
   *
   * @default true
   */
  readonly notifiable?: boolean;
  /** Oldest version that this definition reads. Logs may hold older ones only if `former` covers them. @default 1 */
  readonly since?: number;
}

export const eventOptions: OptionRules<EventOptions, keyof EventOptions> = {
  notifiable: flag(true),
  since: integer({ least: 1 }, 1),
};

/** The parts of a definition. */
export interface EventParts {
  /** Oldest version that the definition reads. */
  readonly since: number;
  /** Each step turns data of one version into data of the next: the first one data of version `since`. */
  readonly steps: readonly ((old: unknown) => unknown)[];
  /** Schema of the data of the newest version, if any. */
  readonly schema: StandardSchema | undefined;
  readonly notifiable: boolean;
}

/** Returns the parts of a definition; undefined for anything that `event` did not return. */
export let partsOf: (type: EventType) => EventParts | undefined;

/** A type of events whose newest data has type `Data`. */
export interface EventType<out Data = unknown> {
  /** Exists in types only. */
  readonly data: Data;
}

/** Definition of one type of events, made with {@link event}. `Data` is the type of its newest data. */
export class EventDefinition<Data> implements EventType<Data> {
  declare readonly data: Data;
  readonly #parts: EventParts;

  /** @internal */
  constructor(parts: EventParts) {
    this.#parts = parts;
  }

  /**
   * Adds a version, whose data a function computes from data of the version before. Events are recorded with the newest
   * version, and those of earlier versions are converted when they are read. The function must return equal data for equal
   * data, and may not change what it gets.
   *
   * @param schema Schema that new data must fit, if any.
   * @throws {@link InvalidArgumentError} if `change` is not a function, or `schema` not a schema.
   */
  upcast<Schema extends StandardSchema>(
    change: (old: DeepReadonly<Data>) => SchemaOutput<Schema>,
    schema: Schema,
  ): EventDefinition<SchemaOutput<Schema>>;
  upcast<Next>(change: (old: DeepReadonly<Data>) => Next): EventDefinition<Next>;
  upcast(change: (old: DeepReadonly<Data>) => unknown, schema?: StandardSchema): EventDefinition<unknown> {
    assertFunction(change, 'the argument of upcast()');
    if (schema !== undefined && !isSchema(schema))
      throw new InvalidArgumentError(
        `Expected the second argument of upcast() to be a schema that follows Standard Schema, got ${kindOf(schema)}.`,
      );
    const steps = [...this.#parts.steps, change as (old: unknown) => unknown];
    return new EventDefinition({ ...this.#parts, steps, schema });
  }

  /**
   * Ends the definition of a former type or of former versions: a function returns the events that are read in place of
   * one, with data of their newest versions. An empty array drops the event.
   *
   * @throws {@link InvalidArgumentError} if `split` is not a function.
   */
  into<const Events extends readonly UpcastEvent[]>(
    split: (old: DeepReadonly<Data>) => Events,
  ): FormerEvent<Events[number]> {
    assertFunction(split, 'the argument of into()');
    return new FormerEvent(this.#parts, split as (old: unknown) => Events);
  }

  static {
    partsOf = (type) => (#parts in type ? type.#parts : undefined);
  }
}

/** Definition of events that are not recorded in this form any more, and are read as events of `Made`. */
export class FormerEvent<out Made extends UpcastEvent = UpcastEvent> {
  /** @internal */
  readonly parts: EventParts;
  /** Returns the events that stand for one, given its newest data. */
  readonly split: (old: unknown) => readonly Made[];

  /** @internal */
  constructor(parts: EventParts, split: (old: unknown) => readonly Made[]) {
    this.parts = parts;
    this.split = split;
  }
}

/**
 * Defines a type of events: by the type of its data, or by a schema that new data must fit.
 *
 * @throws {@link InvalidArgumentError} if the first of two arguments is not a schema.
 * @throws {@link InvalidOptionError} if an option is unknown or has an invalid value.
 * @example
 * const parcelEvents = defineEvents({
 *   'Parcel.Sent': event<{ to: string }>(),
 *   'Parcel.Weighed': event<{ pounds: number }>().upcast(({ pounds }) => ({ grams: pounds * 454 })),
 * });
 * type ParcelEvent = EventsOf<typeof parcelEvents>;
 */
export function event<Schema extends StandardSchema>(
  schema: Schema,
  options?: EventOptions,
): EventDefinition<SchemaOutput<Schema>>;
export function event<Data>(options?: EventOptions): EventDefinition<Data>;
export function event(
  schemaOrOptions?: StandardSchema | EventOptions,
  others?: EventOptions,
): EventDefinition<unknown> {
  const schema = isSchema(schemaOrOptions) ? schemaOrOptions : undefined;
  if (schema === undefined && others !== undefined)
    throw new InvalidArgumentError(
      `event() takes a schema as its first argument, as in event(schema, { since: 2 }), not ${kindOf(schemaOrOptions)}.`,
    );
  const options = schema === undefined ? (schemaOrOptions as EventOptions | undefined) : others;
  const { notifiable, since } = resolveOptions(options ?? {}, eventOptions, 'event()', 'event({ since: 2 })');
  return new EventDefinition({ since, steps: [], schema, notifiable });
}
