import type { StoredNotification } from '../../storage/stored-event.ts';
import { RecordedEffects } from '../log/recorded-effects.ts';
import type { EventStore } from '../recording/event-store.ts';

/** Number of parked notifications that are read at once. */
const pageSize = 500;

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
    const upstreamName = this.#upstreamName;
    const parked = new Set<number>();
    for (let after = 0; recorder.parked !== undefined; ) {
      const page = await recorder.parked({ pipelineId, after, limit: pageSize, upstreamName });
      for (const { notificationId } of page) parked.add(notificationId);
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) break;
      after = last.id;
    }
    return parked;
  }
}
