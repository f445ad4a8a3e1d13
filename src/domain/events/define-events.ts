import { flag, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import type { DomainEvent } from '../event.ts';
import { assertFormer, definitionsIn } from './definition-rules.ts';
import type { EventParts, EventType, FormerEvent, UpcastEvent } from './event-definition.ts';
import { EventVersions } from './event-versions.ts';

/** Definitions of the types of events that an application records, by type. */
export interface EventDefinitions {
  readonly [type: string]: EventType;
}

/** The types that {@link defineEvents} defined: an array of their names, for the `emits` of an application. */
export interface DefinedEvents<Definitions extends EventDefinitions>
  extends ReadonlyArray<keyof Definitions & string> {
  /** Exists in types only. */
  readonly [definitions]?: Definitions;
}

declare const definitions: unique symbol;

/** Union of the events that {@link defineEvents} defined. */
export type EventsOf<Defined extends readonly string[]> = Defined extends {
  readonly [definitions]?: infer Definitions extends EventDefinitions;
}
  ? {
      [Type in keyof Definitions & string]: DomainEvent<Type, Definitions[Type]['data']>;
    }[keyof Definitions & string]
  : never;

/** Union of types and data that an upcast may return. */
export type UpcastEventOf<Definitions extends EventDefinitions> = {
  [Type in keyof Definitions & string]: UpcastEvent<Type, Definitions[Type]['data']>;
}[keyof Definitions & string];

/** Options of {@link defineEvents}. */
export interface DefineEventsOptions<Definitions extends EventDefinitions> {
  /**
   * Types that logs hold and that are not recorded any more: the new name of a type, or `event<…>().into(…)`. With the name
   * of a type that is still recorded, its versions before `since`. A type that has a new name shares its versions.
   *
   * @default none
   */
  readonly former?: {
    readonly [type: string]: (keyof Definitions & string) | FormerEvent<UpcastEventOf<Definitions>>;
  };
  /** Whether data that is read must fit the schema of its type, after upcasts. @default false */
  readonly validateReads?: boolean;
}

export const defineEventsOptions: OptionRules<DefineEventsOptions<EventDefinitions>, 'validateReads'> = {
  former: ruleOf(
    'an object of former types',
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ),
  validateReads: flag(false),
};

/** What is known of the types of events of one application. */
export interface EventSpecification {
  /** Types that are recorded. */
  readonly current: ReadonlyMap<string, EventParts>;
  /** Former types, and types whose versions before `since` are read in another way: the new name, or the parts. */
  readonly former: ReadonlyMap<string, string | FormerEvent>;
  readonly validateReads: boolean;
  /** How types in logs are read; undefined if each type is read as it is stored. */
  readonly versions: EventVersions | undefined;
}

const specifications = new WeakMap<readonly string[], EventSpecification>();

/**
 * Defines the types of events that an application records. The result is the `emits` of the application, and `EventsOf`
 * is the union of its events, so that nothing is declared twice.
 *
 * @throws {@link InvalidArgumentError} if a type or a definition is invalid.
 * @throws {@link InvalidOptionError} if an option is unknown or invalid, or former types leave a gap.
 * @example
 * const parcelEvents = defineEvents({
 *   'Parcel.Sent': event<{ to: string }>(),
 *   'Parcel.Lost': event<{ at: string }>(),
 * });
 *
 * class Parcels extends Application<EventsOf<typeof parcelEvents>> {
 *   static readonly applicationName = 'parcels';
 *   static readonly emits = parcelEvents;
 * }
 */
export function defineEvents<const Definitions extends EventDefinitions>(
  definitions: Definitions,
  options: DefineEventsOptions<Definitions> = {},
): DefinedEvents<Definitions> {
  const current = definitionsIn(definitions);
  const given = options as unknown as DefineEventsOptions<EventDefinitions>;
  const { former = {}, validateReads } = resolveOptions(given, defineEventsOptions, 'defineEvents()');
  const earlier = new Map(Object.entries(former));
  assertFormer(earlier, current);
  const types = Object.freeze(Object.keys(definitions));
  const versions = EventVersions.of(current, earlier);
  specifications.set(types, { current, former: earlier, validateReads, versions });
  return types;
}

/** Returns the types of events that the log of an application may hold, given its `emits`. */
export function storedTypesOf(emits: readonly string[]): readonly string[] {
  const versions = specificationOf(emits)?.versions;
  return versions === undefined ? emits : [...versions.storedTypes];
}

/** Returns the specification of the `emits` of an application; undefined for an array that `defineEvents` did not return. */
export function specificationOf(emits: readonly string[]): EventSpecification | undefined {
  return specifications.get(emits);
}
