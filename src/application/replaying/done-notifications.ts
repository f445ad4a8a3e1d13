import type { StoredNotification } from '../../storage/stored-event.ts';
import { ControlLog } from '../control/control-log.ts';
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
  readonly #control: ControlLog;
  #effects: RecordedEffects;
  /** Number of restores of the follower's storage before the effects were read. */
  #restores: number;

  constructor(store: EventStore, upstreamName: string) {
    this.#store = store;
    this.#upstreamName = upstreamName;
    this.#control = ControlLog.of(store.recorder);
    this.#restores = this.#control.restores;
    this.#effects = this.#newEffects();
  }

  /** Returns the ids of those among some notifications. */
  async among(notifications: readonly StoredNotification[]): Promise<ReadonlySet<number>> {
    const { restores } = this.#control;
    if (restores !== this.#restores) this.#effects = this.#newEffects();
    this.#restores = restores;
    const parked = await this.#parked(); // first: the effects of one that is retried meanwhile are read then
    const done = await this.#effects.of(notifications.map(({ id }) => id));
    return parked.size === 0 ? done : done.union(parked);
  }

  #newEffects(): RecordedEffects {
    const { recorder, pipelineId } = this.#store;
    return new RecordedEffects(recorder, { applicationName: this.#upstreamName, pipelineId });
  }

  async #parked(): Promise<ReadonlySet<number>> {
    const { recorder, pipelineId } = this.#store;
    const parked = new Set<number>();
    for await (const one of readParked(recorder, pipelineId, this.#upstreamName))
      parked.add(one.notificationId);
    return parked;
  }
}
