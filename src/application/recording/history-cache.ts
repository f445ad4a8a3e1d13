import type { DomainEvent } from '../../domain/event.ts';
import type { StoredSnapshot } from '../../storage/stored-event.ts';

/** What is known of one aggregate: its newest snapshot, if any, and the events after it. */
export interface CachedHistory {
  readonly snapshot: StoredSnapshot | undefined;
  readonly events: readonly DomainEvent[];
}

/** The version that a history leads to. */
export function versionOf(history: CachedHistory): number {
  return history.events.at(-1)?.originatorVersion ?? history.snapshot?.originatorVersion ?? 0;
}

/**
 * Keeps the histories used last, up to a number of events. It holds events and not aggregates, because
 * events are frozen: two callers never share an aggregate, and one that failed to be recorded leaves
 * nothing behind.
 *
 * There are two generations. What is used is put in the new one; when that is half of all, it becomes the
 * old one, and what was not used since the last time is forgotten. That is nearly as good as a strict order
 * of use, and much cheaper.
 */
export class HistoryCache {
  readonly #halfCapacity: number;
  #recent = new Map<string, CachedHistory>();
  #older = new Map<string, CachedHistory>();
  #recentSize = 0;

  /** `capacity` is the number of events held at most; 0 holds none. */
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
   * Adds an event just recorded to the history that it continues. One that is not held is not begun: most
   * aggregates are made and never loaded again.
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
