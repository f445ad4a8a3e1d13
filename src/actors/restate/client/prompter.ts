import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../../util/ids.ts';
import { backOff } from '../../../util/retry.ts';
import type { ActorAddress } from '../protocol/actor-names.ts';
import { actorKey } from '../protocol/actor-names.ts';

/** Tells somebody of a log that has grown, once for each key; resolves when those who follow it know. */
export type Tell = (
  place: ActorAddress,
  head: number,
  callKey: string,
  signal: AbortSignal,
) => Promise<unknown>;

const backoff = { firstMs: 50, maxMs: 1_000 };
/** How long a log is left alone after a telling. Actors that hear of every event have no time for anything else. */
const gapMs = 25;

/**
 * Tells of logs that have grown, in the background, until it has got through. Of each log, at most one telling is under
 * way, until those who follow it know, and one waits, however often it grows meanwhile.
 */
export class Prompter {
  readonly #tell: Tell;
  readonly #stop = new AbortController();
  /** What waits to be told. */
  readonly #heads = new Map<string, number>();
  readonly #telling = new Map<string, Promise<void>>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Notes that a log has grown. */
  prompt(place: ActorAddress, head: number): void {
    const key = actorKey(place);
    this.#heads.set(key, Math.max(head, this.#heads.get(key) ?? 0));
    if (this.#telling.has(key) || this.#stop.signal.aborted) return;
    this.#telling.set(
      key,
      this.#tellAll(place, key)
        .catch(() => {}) // it was closed
        .finally(() => this.#telling.delete(key)),
    );
  }

  /** Resolves when nothing waits to be told. */
  async told(): Promise<void> {
    await Promise.all(this.#telling.values());
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.told();
  }

  async #tellAll(place: ActorAddress, key: string): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      const head = this.#heads.get(key);
      if (head === undefined) return;
      this.#heads.delete(key);
      await this.#retryTransient(place, head);
      await delay(gapMs, undefined, { signal });
    }
  }

  async #retryTransient(place: ActorAddress, head: number): Promise<void> {
    const { signal } = this.#stop;
    const callKey = newId();
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#tell(place, head, callKey, signal);
        return;
      } catch {
        // The engine is away. Should it stay so, the next poll finds what nobody has told of.
        await backOff(tries, backoff, signal);
      }
    }
  }
}
