import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressSignal } from '../../../runner/asynchronous/caught-up.ts';
import type { ActorStatuses } from './actor-client.ts';

/** How long it is waited before the storage is looked at again: ever longer, up to the last. */
const firstLookMs = 10;
const lastLookMs = 250;
/** From then on actors are asked, too, whether they have failed: most systems are settled sooner. */
const askMs = 100;
/** How often they are prompted again: a prompt may have been lost. */
const promptMs = 1_000;

/** What a runner knows of actors elsewhere while it waits for them: nobody tells it, so it looks, ever less often. */
export class ActorProgress implements ProgressSignal {
  readonly isQuiet = true; // as far as anybody here knows; what counts is in the storage
  readonly progress = 0;
  readonly #ask: () => Promise<ActorStatuses>;
  #statuses: ActorStatuses = new Map();
  #waitMs = firstLookMs;
  #promptedAt = performance.now();
  #isImpatient = false;

  constructor(ask: () => Promise<ActorStatuses>) {
    this.#ask = ask;
  }

  /** As they were when they were asked last. */
  get statuses(): ActorStatuses {
    return this.#statuses;
  }

  /** Whether those that are behind are to be prompted again. */
  get isImpatient(): boolean {
    return this.#isImpatient;
  }

  async progressSince(_seen: number, _timeoutMs: number, signal: AbortSignal): Promise<void> {
    await delay(this.#waitMs, undefined, { signal });
    this.#waitMs = Math.min(this.#waitMs * 1.5, lastLookMs);
    if (this.#waitMs > askMs) this.#statuses = await this.#ask();
    const now = performance.now();
    this.#isImpatient = now - this.#promptedAt > promptMs;
    if (this.#isImpatient) this.#promptedAt = now;
  }
}
