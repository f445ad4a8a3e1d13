import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { History } from '../../storage/recorder.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { CachedHistory, Damage } from './history-cache.ts';

/** Most events that are decoded without yielding to the event loop. */
const decodedAtOnce = 500;

/** A history while its events are decoded. */
interface GrowingHistory extends CachedHistory {
  readonly events: ReadEvent[];
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

  /** Decodes a history that was read from its start or its snapshot on, up to an event that cannot be decoded. */
  start(read: History | undefined): CachedHistory | Promise<CachedHistory> {
    const snapshot = read?.snapshot;
    return this.#extend({ snapshot, events: [], length: snapshot?.state.length ?? 0 }, read?.events ?? [], 0);
  }

  /**
   * Adds the events that were read to the history that is known, if they begin with its last event.
   * Returns undefined if the storage does not hold that event: it was restored from an older copy.
   */
  join(
    known: CachedHistory | undefined,
    read: History | undefined,
  ): CachedHistory | Promise<CachedHistory> | undefined {
    if (known === undefined) return this.start(read);
    const stored = read?.events ?? [];
    if (!this.#isLastOf(known, stored[0])) return undefined;
    if (stored.length === 1) return known;
    const { snapshot, events, length } = known;
    return this.#extend({ snapshot, events: [...events], length }, stored, 1);
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

  /** Whether a stored event is the last one of a history. Its time tells it from one that was recorded in its place. */
  #isLastOf(history: CachedHistory, stored: StoredEvent | undefined): boolean {
    const last = history.events.at(-1);
    if (stored === undefined) return false;
    if (last === undefined) return stored.originatorVersion === history.snapshot?.originatorVersion;
    return (
      stored.originatorVersion === last.originatorVersion &&
      stored.timestamp === last.timestamp &&
      (this.#mapper.typeOf(stored.type) ?? stored.type) === last.type
    );
  }
}
