import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressSignal } from '../../../runner/waiting/watched-followers.ts';
import type { ActorStatuses } from './actor-client.ts';

/** Length of a wait after which the states of the actors are read, in ms. Most notifications are processed earlier. */
const statusMs = 100;
/** Interval at which the followers of a log are prompted again, in ms, in case a prompt was lost. */
const promptMs = 1_000;

/** Progress of actors in other processes. Actors do not report it, so each wait ends with its timeout. */
export class ActorProgress implements ProgressSignal {
  readonly progress = 0;
  readonly #requestStatuses: () => Promise<ActorStatuses>;
  #statuses: ActorStatuses = new Map();
  readonly #promptedAt = new Map<string, number>();

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

  /** Returns whether the followers of a log should be prompted again. */
  isPromptDue(key: string): boolean {
    const now = performance.now();
    const promptedAt = this.#promptedAt.get(key);
    const isDue = promptedAt !== undefined && now - promptedAt > promptMs;
    if (promptedAt === undefined || isDue) this.#promptedAt.set(key, now);
    return isDue;
  }

  async progressSince(_seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await delay(timeoutMs, undefined, { signal }).catch(() => {});
    if (timeoutMs >= statusMs && !signal.aborted) await this.refresh();
  }
}
