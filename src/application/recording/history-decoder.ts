import type { DomainEvent } from '../../domain/event.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { History } from '../../storage/recorder.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { CachedHistory, Damage } from './history-cache.ts';

/** Most events that are decoded without yielding to the event loop. */
const decodedAtOnce = 500;

/** A history while its events are decoded. */
interface GrowingHistory extends CachedHistory {
  readonly events: DomainEvent[];
  length: number;
}

/** Decodes histories of aggregates, long ones in slices. */
export class HistoryDecoder {
  readonly #mapper: EventMapper;
  readonly #isKnown: (eventType: string) => boolean;

  /** @param isKnown Whether the application declares a type of events. */
  constructor(mapper: EventMapper, isKnown: (eventType: string) => boolean) {
    this.#mapper = mapper;
    this.#isKnown = isKnown;
  }

  /** Adds the events that were read to the history that is known, up to one that cannot be decoded. */
  join(known: CachedHistory | undefined, read: History | undefined): CachedHistory | Promise<CachedHistory> {
    const stored = read?.events ?? [];
    if (known !== undefined && stored.length === 0) return known;
    const snapshot = known === undefined ? read?.snapshot : known.snapshot;
    const length = known?.length ?? snapshot?.state.length ?? 0;
    return this.#extend(
      { snapshot, events: known === undefined ? [] : [...known.events], length },
      stored,
      0,
    );
  }

  #extend(
    history: GrowingHistory,
    stored: readonly StoredEvent[],
    from: number,
  ): CachedHistory | Promise<CachedHistory> {
    const end = Math.min(from + decodedAtOnce, stored.length);
    for (let i = from; i < end; i += 1) {
      const damage = this.#add(history, stored[i] as StoredEvent);
      if (damage !== undefined) return { ...history, damage };
    }
    if (end === stored.length) return history;
    return yieldIfBusy().then(() => this.#extend(history, stored, end));
  }

  #add(history: GrowingHistory, stored: StoredEvent): Damage | undefined {
    if (!this.#isKnown(stored.type)) return { event: stored };
    try {
      history.events.push(this.#mapper.toEvent(stored));
    } catch (error) {
      return { event: stored, error };
    }
    history.length += stored.data.length;
    return undefined;
  }
}
