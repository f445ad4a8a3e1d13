import type { DomainEvent } from '../domain/event.ts';
import type { StoredSnapshot } from '../persistence/stored-event.ts';

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
 * Keeps the histories used last, up to a number of events. It holds events and not aggregates, because events are
 * frozen: two callers never share an aggregate, and one that failed to be recorded leaves nothing behind.
 */
export class HistoryCache {
  readonly #capacity: number;
  readonly #histories = new Map<string, CachedHistory>();
  #size = 0;

  /** `capacity` is the number of events held at most; 0 holds none. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many events and snapshots are held. */
  get size(): number {
    return this.#size;
  }

  get(originatorId: string): CachedHistory | undefined {
    const history = this.#histories.get(originatorId);
    if (history === undefined) return undefined;
    this.#histories.delete(originatorId);
    this.#histories.set(originatorId, history);
    return history;
  }

  set(originatorId: string, history: CachedHistory): void {
    this.purge(originatorId);
    const size = sizeOf(history);
    if (size > this.#capacity) return;
    this.#histories.set(originatorId, history);
    this.#size += size;
    this.#evict();
  }

  purge(originatorId: string): void {
    const history = this.#histories.get(originatorId);
    if (history === undefined) return;
    this.#histories.delete(originatorId);
    this.#size -= sizeOf(history);
  }

  #evict(): void {
    for (const [oldest] of this.#histories) {
      if (this.#size <= this.#capacity) return;
      this.purge(oldest);
    }
  }
}

function sizeOf(history: CachedHistory): number {
  return history.events.length + (history.snapshot === undefined ? 0 : 1);
}
