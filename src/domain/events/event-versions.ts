import { hash } from '../../util/environment/hash.ts';
import { UpcastError } from './errors.ts';
import type { EventParts, FormerEvent } from './event-definition.ts';
import { storedTypeOf, type VersionedType, versionedTypeOf } from './stored-type.ts';

/** How events of one stored type are read. */
export interface Reading {
  /** Name and version in the stored type. */
  readonly stored: VersionedType;
  /** Type as which the events are read; undefined if `split` returns what is read in their place. */
  readonly type: string | undefined;
  /** Functions that convert data to the newest version, one version each; empty if data is read as it is stored. */
  readonly steps: EventParts['steps'];
  readonly split?: FormerEvent['split'];
}

type Definitions = ReadonlyMap<string, EventParts>;
type FormerTypes = ReadonlyMap<string, string | FormerEvent>;

/** The versions of the types of one application's events, and the types that they had before. */
export class EventVersions {
  readonly #readings = new Map<string, Reading>();
  readonly #newest = new Map<string, string>();
  /** Digest of the functions that convert recorded events, and of the new names; undefined if there are none. */
  readonly digest: string | undefined;

  private constructor(current: Definitions, former: FormerTypes) {
    for (const [name, parts] of current) this.#newest.set(name, storedTypeOf(name, newestOf(parts)));
    for (const name of new Set([...former.keys(), ...current.keys()])) {
      for (const version of versionsOf(name, current, former)) {
        const reading = readingOf({ name, version }, current, former);
        if (reading !== undefined) this.#readings.set(storedTypeOf(name, version), reading);
      }
    }
    this.digest = digestOf([...this.#readings.values()]);
  }

  /** Returns undefined if each type has one version only, and no type is a former one. */
  static of(current: Definitions, former: FormerTypes): EventVersions | undefined {
    const isPlain = former.size === 0 && current.values().every((parts) => newestOf(parts) === 1);
    return isPlain ? undefined : new EventVersions(current, former);
  }

  /** Returns the type as which events of a current type are recorded. */
  storedTypeOf(type: string): string {
    return this.#newest.get(type) ?? type;
  }

  /** Types that logs may hold and that can be read. */
  get storedTypes(): Iterable<string> {
    return this.#readings.keys();
  }

  /**
   * Returns how events of a stored type are read; undefined if this code does not know the type, or only older versions.
   * Versions that are too old are known, and cannot be converted.
   */
  readingOf(storedType: string): Reading | undefined {
    return this.#readings.get(storedType) ?? this.#tooOld(versionedTypeOf(storedType));
  }

  #tooOld({ name, version }: VersionedType): Reading | undefined {
    const readable = [...this.#readings.values()].filter(({ stored }) => stored.name === name);
    const oldest = Math.min(...readable.map(({ stored }) => stored.version));
    if (version >= oldest || oldest === Infinity) return undefined;
    const fail = () => {
      throw new UpcastError(
        { name, version },
        `Version ${version} of '${name}' is older than version ${oldest}, the oldest that is defined. Add it to the ` +
          "option 'former' of defineEvents(), or lower 'since' and add the missing upcasts.",
      );
    };
    return { stored: { name, version }, type: readable[0]?.type, steps: [fail] };
  }
}

/** Returns a digest of the readings that change events. */
function digestOf(readings: readonly Reading[]): string | undefined {
  const changes = readings
    .filter(({ stored, type, steps }) => stored.name !== type || steps.length > 0)
    .map(({ stored, type = '', steps, split }) => [
      stored.name,
      stored.version,
      type,
      `${split}`,
      ...steps.map(String),
    ])
    .map((change) => JSON.stringify(change));
  return changes.length === 0 ? undefined : hash('sha256', changes.sort().join(), 'hex').slice(0, 16);
}

/** Returns the newest version of a definition. */
export function newestOf({ since, steps }: EventParts): number {
  return since + steps.length;
}

/** Versions of a type that can be read. Renames lead to a type that is defined; see `assertFormer`. */
function versionsOf(name: string, current: Definitions, former: FormerTypes): readonly number[] {
  const parts = current.get(name);
  const earlier = former.get(name);
  const own = parts === undefined ? [] : versionsIn(parts);
  if (earlier === undefined) return own;
  const others =
    typeof earlier === 'string' ? versionsOf(earlier, current, former) : versionsIn(earlier.parts);
  return [...others.filter((version) => parts === undefined || version < parts.since), ...own];
}

function versionsIn({ since, steps }: EventParts): readonly number[] {
  return [since, ...steps.map((_, i) => since + i + 1)];
}

function readingOf(
  stored: VersionedType,
  current: Definitions,
  former: FormerTypes,
  name: string = stored.name,
): Reading | undefined {
  const { version } = stored;
  const parts = current.get(name);
  if (parts !== undefined && version >= parts.since)
    return { stored, type: name, steps: parts.steps.slice(version - parts.since) };
  const earlier = former.get(name);
  if (earlier === undefined) return undefined;
  if (typeof earlier === 'string') return readingOf(stored, current, former, earlier);
  const { parts: old, split } = earlier;
  return { stored, type: undefined, steps: old.steps.slice(version - old.since), split };
}
