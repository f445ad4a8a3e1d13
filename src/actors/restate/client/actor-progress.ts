import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressSignal } from '../../../runner/asynchronous/caught-up.ts';
import type { ActorStatuses } from './actor-client.ts';

/** Delays before the next read of the storage, in ms: they grow from the first value to the last. */
const firstLookMs = 10;
const lastLookMs = 250;
/** Delay from which the states of the actors are also read, in ms. Most systems are caught up earlier. */
const statusMs = 100;
/** Interval at which applications that lag are prompted again, in ms, in case a prompt was lost. */
const promptMs = 1_000;

/** Progress of actors in other processes. Actors do not report it, so each wait ends after a growing delay. */
export class ActorProgress implements ProgressSignal {
  readonly isQuiet = true; // unknown here: only the storage shows whether notifications are left
  readonly progress = 0;
  readonly #requestStatuses: () => Promise<ActorStatuses>;
  #statuses: ActorStatuses = new Map();
  #waitMs = firstLookMs;
  #promptedAt = performance.now();
  #isPromptDue = false;

  constructor(requestStatuses: () => Promise<ActorStatuses>) {
    this.#requestStatuses = requestStatuses;
  }

  /** The statuses at the last request; empty before the first request. */
  get statuses(): ActorStatuses {
    return this.#statuses;
  }

  /** Whether applications that lag should be prompted again. */
  get isPromptDue(): boolean {
    return this.#isPromptDue;
  }

  async progressSince(_seen: number, _timeoutMs: number, signal: AbortSignal): Promise<void> {
    await delay(this.#waitMs, undefined, { signal });
    this.#waitMs = Math.min(this.#waitMs * 1.5, lastLookMs);
    if (this.#waitMs > statusMs) this.#statuses = await this.#requestStatuses();
    const now = performance.now();
    this.#isPromptDue = now - this.#promptedAt > promptMs;
    if (this.#isPromptDue) this.#promptedAt = now;
  }
}
