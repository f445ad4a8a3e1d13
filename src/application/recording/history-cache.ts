import type { DomainEvent } from '../../domain/event.ts';
import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { StoredEvent, StoredSnapshot } from '../../storage/stored-event.ts';

/** Newest snapshot of an aggregate, if any, and the events after it. */
export interface CachedHistory {
  readonly snapshot: StoredSnapshot | undefined;
  /** One for each recorded event. */
  readonly events: readonly ReadEvent[];
  /** Characters of the texts of snapshot and events in storage. */
  readonly length: number;
  /** The event after them that cannot be read. Such a history is not cached. */
  readonly damage?: Damage;
}

/** An event that cannot be decoded, or is of an unknown type. */
export interface Damage {
  readonly event: Omit<DomainEvent, 'data'>;
  /** Error of decoding; undefined if the type is unknown. */
  readonly error?: unknown;
}

/** Characters for which a large history counts as one more event. */
const lengthPerEvent = 1_600;

/** Version of the aggregate after the last event of its history. */
export function versionOf(history: CachedHistory): number {
  return history.events.at(-1)?.originatorVersion ?? history.snapshot?.originatorVersion ?? 0;
}

/**
 * Keeps recently used histories, up to a number of events, where large events count as several. The cache holds frozen
 * events instead of aggregates, so that callers never share an aggregate and a save that fails leaves no trace.
 *
 * There are two generations. A history that is used moves to the recent one. When the recent generation holds half of
 * the capacity, it replaces the older one, whose unused histories are dropped. This costs much less than a strict order
 * of use (LRU) and finds nearly as many. A history that is longer than half of the capacity has a generation of its own.
 */
export class HistoryCache {
  readonly #capacity: number;
  #recent = new Map<string, CachedHistory>();
  #older = new Map<string, CachedHistory>();
  #recentSize = 0;
  #olderSize = 0;

  /** @param capacity Largest number of events in the cache; 0 turns the cache off. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(originatorId: string): CachedHistory | undefined {
    const recent = this.#recent.get(originatorId);
    if (recent !== undefined) return recent;
    const older = this.#older.get(originatorId);
    if (older !== undefined) this.set(originatorId, older);
    return older;
  }

  set(originatorId: string, history: CachedHistory): void {
    const size = sizeOf(history);
    if (size === 0 || size > this.#capacity) {
      this.purge(originatorId);
      return;
    }
    let others = this.#recentSize - sizeOf(this.#recent.get(originatorId));
    if (others > 0 && others + size > this.#capacity / 2) {
      this.#age();
      others = 0;
    }
    this.#recentSize = others + size;
    this.#recent.set(originatorId, history);
    if (this.#recentSize + this.#olderSize > this.#capacity) this.#dropOlder();
  }

  /**
   * Adds new events, decoded and as stored, to their histories if the cache holds those histories. A new history is not
   * started: most aggregates are never loaded again.
   */
  append(events: readonly DomainEvent[], stored: readonly StoredEvent[]): void {
    const [first, second] = events;
    if (first !== undefined && second === undefined) {
      this.#extend(first.originatorId, { events, length: stored[0]?.data.length ?? 0 });
      return;
    }
    const added = new Map<string, Addition & { readonly events: DomainEvent[] }>();
    for (let i = 0; i < events.length; i += 1) {
      const event = events[i] as DomainEvent;
      if (!this.#has(event.originatorId)) continue;
      const addition = added.get(event.originatorId) ?? { events: [], length: 0 };
      addition.events.push(event);
      addition.length += stored[i]?.data.length ?? 0;
      added.set(event.originatorId, addition);
    }
    for (const [originatorId, addition] of added) this.#extend(originatorId, addition);
  }

  purge(originatorId: string): void {
    this.#recentSize -= sizeOf(this.#recent.get(originatorId));
    this.#recent.delete(originatorId);
    this.#olderSize -= sizeOf(this.#older.get(originatorId));
    this.#older.delete(originatorId);
  }

  #has(originatorId: string): boolean {
    return this.#recent.has(originatorId) || this.#older.has(originatorId);
  }

  #extend(originatorId: string, { events, length }: Addition): void {
    const known = this.get(originatorId);
    if (known === undefined) return; // also one that was dropped for another history
    const follows = events[0]?.originatorVersion === versionOf(known) + 1;
    if (!follows) this.purge(originatorId);
    else {
      const { snapshot } = known;
      this.set(originatorId, {
        snapshot,
        events: known.events.concat(events),
        length: known.length + length,
      });
    }
  }

  #age(): void {
    this.#older = this.#recent;
    this.#olderSize = this.#recentSize;
    this.#recent = new Map();
    this.#recentSize = 0;
  }

  #dropOlder(): void {
    this.#older = new Map();
    this.#olderSize = 0;
  }
}

/** New events of one aggregate. */
interface Addition {
  readonly events: readonly DomainEvent[];
  length: number;
}

function sizeOf(history: CachedHistory | undefined): number {
  if (history === undefined) return 0;
  const count = history.events.length + (history.snapshot === undefined ? 0 : 1);
  return Math.max(count, Math.floor(history.length / lengthPerEvent));
}
