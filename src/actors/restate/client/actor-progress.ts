import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressSignal } from '../../../runner/waiting/watched-followers.ts';
import type { ActorStatuses } from './actor-client.ts';

/** Length of a wait after which the states of the actors are read, in ms. Most notifications are processed earlier. */
const statusMs = 100;

/** Progress of actors in other processes. Actors do not report it, so each wait ends with its timeout. */
export class ActorProgress implements ProgressSignal {
  readonly progress = 0;
  readonly #requestStatuses: () => Promise<ActorStatuses>;
  #statuses: ActorStatuses = new Map();

  constructor(requestStatuses: () => Promise<ActorStatuses>) {
    this.#requestStatuses = requestStatuses;
  }

  /** The statuses at the last request; empty before the first request. */
  get statuses(): ActorStatuses {
    return this.#statuses;
  }

  async refresh(): Promise<void> {
    this.#statuses = await this.#requestStatuses();
  }

  async progressSince(_seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await delay(timeoutMs, undefined, { signal }).catch(() => {});
    if (timeoutMs >= statusMs && !signal.aborted) await this.refresh();
  }
}
