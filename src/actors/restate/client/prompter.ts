import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../../util/ids.ts';
import { retry } from '../../../util/retry.ts';
import { type ActorAddress, actorKey } from '../protocol/actor-names.ts';

/** Sends a prompt, once per key; resolves when all followers of the log have received it. */
export type SendPrompt = (
  address: ActorAddress,
  head: number,
  callKey: string,
  signal: AbortSignal,
) => Promise<unknown>;

const backoff = { firstMs: 50, maxMs: 1_000 };
/** Pause between prompts for the same log, in ms. A prompt for every event would keep the actors busy with prompts. */
const pauseMs = 25;

/**
 * Sends prompts in the background and retries them until they arrive. Of each log, at most one prompt is being sent and
 * one waits, however often the log grows meanwhile.
 */
export class Prompter {
  readonly #send: SendPrompt;
  readonly #stop = new AbortController();
  /** Heads of the prompts that wait, by actor key. */
  readonly #waiting = new Map<string, number>();
  readonly #sending = new Map<string, Promise<void>>();

  constructor(send: SendPrompt) {
    this.#send = send;
  }

  /** Queues a prompt: a log has grown. */
  prompt(address: ActorAddress, head: number): void {
    const key = actorKey(address);
    this.#waiting.set(key, Math.max(head, this.#waiting.get(key) ?? 0));
    if (this.#sending.has(key) || this.#stop.signal.aborted) return;
    this.#sending.set(
      key,
      this.#sendAll(address, key)
        .catch(() => {}) // the prompter was closed
        .finally(() => this.#sending.delete(key)),
    );
  }

  /** Resolves when no prompt waits. */
  async drained(): Promise<void> {
    await Promise.all(this.#sending.values());
  }

  /** Drops the prompts that wait. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.drained();
  }

  async #sendAll(address: ActorAddress, key: string): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      const head = this.#waiting.get(key);
      if (head === undefined) return;
      this.#waiting.delete(key);
      const callKey = newId();
      // Every error is retried. If the engine stays unreachable, the next poll finds the notifications.
      await retry(() => this.#send(address, head, callKey, signal), {
        backoff,
        isTransient: () => true,
        signal,
      });
      await delay(pauseMs, undefined, { signal });
    }
  }
}
