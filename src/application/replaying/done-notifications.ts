import type { StoredNotification } from '../../storage/stored-event.ts';
import { RecordedEffects } from '../log/recorded-effects.ts';
import { readParked } from '../parking/parked-set.ts';
import type { EventStore } from '../recording/event-store.ts';

/**
 * Finds the notifications of an upstream that must not be handled again: their effects are on record, or they are parked,
 * so that they are handled when they are retried.
 */
export class DoneNotifications {
  readonly #store: EventStore;
  readonly #upstreamName: string;
  readonly #effects: RecordedEffects;

  constructor(store: EventStore, upstreamName: string) {
    this.#store = store;
    this.#upstreamName = upstreamName;
    const { recorder, pipelineId } = store;
    this.#effects = new RecordedEffects(recorder, { applicationName: upstreamName, pipelineId });
  }

  /** Returns the ids of those among some notifications. */
  async among(notifications: readonly StoredNotification[]): Promise<ReadonlySet<number>> {
    const parked = await this.#parked(); // first: the effects of one that is retried meanwhile are read then
    const done = await this.#effects.of(notifications.map(({ id }) => id));
    return parked.size === 0 ? done : done.union(parked);
  }

  async #parked(): Promise<ReadonlySet<number>> {
    const { recorder, pipelineId } = this.#store;
    const parked = new Set<number>();
    for await (const one of readParked(recorder, pipelineId, this.#upstreamName))
      parked.add(one.notificationId);
    return parked;
  }
}
