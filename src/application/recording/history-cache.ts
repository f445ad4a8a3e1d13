import type { DomainEvent } from '../../domain/event.ts';
import type { StoredSnapshot } from '../../storage/stored-event.ts';

/** Newest snapshot of an aggregate, if any, and the events after it. */
export interface CachedHistory {
  readonly snapshot: StoredSnapshot | undefined;
  readonly events: readonly DomainEvent[];
}

/** Version of the aggregate after the last event of its history. */
export function versionOf(history: CachedHistory): number {
  return history.events.at(-1)?.originatorVersion ?? history.snapshot?.originatorVersion ?? 0;
}

/**
 * Keeps recently used histories, up to a number of events. The cache holds frozen events instead of aggregates, so that
 * callers never share an aggregate and a save that fails leaves no trace.
 *
 * There are two generations. A history that is used moves to the recent one. When the recent generation holds half of
 * the capacity, it replaces the older one, whose unused histories are dropped. This costs much less than a strict order
 * of use (LRU) and finds nearly as many.
 */
export class HistoryCache {
  readonly #halfCapacity: number;
  #recent = new Map<string, CachedHistory>();
  #older = new Map<string, CachedHistory>();
  #recentSize = 0;

  /** @param capacity Largest number of events in the cache; 0 turns the cache off. */
  constructor(capacity: number) {
    this.#halfCapacity = capacity / 2;
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
    if (size === 0 || size > this.#halfCapacity) {
      this.purge(originatorId);
      return;
    }
    if (this.#recentSize + size > this.#halfCapacity) this.#age();
    this.#recentSize += size - sizeOf(this.#recent.get(originatorId));
    this.#recent.set(originatorId, history);
  }

  /**
   * Adds a new event to its history if the cache holds that history. A new history is not started: most aggregates are
   * never loaded again.
   */
  append(event: DomainEvent): void {
    const known = this.get(event.originatorId);
    if (known === undefined) return;
    const follows = event.originatorVersion === versionOf(known) + 1;
    if (follows) this.set(event.originatorId, { snapshot: known.snapshot, events: [...known.events, event] });
    else this.purge(event.originatorId);
  }

  purge(originatorId: string): void {
    this.#recentSize -= sizeOf(this.#recent.get(originatorId));
    this.#recent.delete(originatorId);
    this.#older.delete(originatorId);
  }

  #age(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#recentSize = 0;
  }
}

function sizeOf(history: CachedHistory | undefined): number {
  if (history === undefined) return 0;
  return history.events.length + (history.snapshot === undefined ? 0 : 1);
}
