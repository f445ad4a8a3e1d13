import { clearTimeout, setTimeout } from 'node:timers';
import type { Inbox } from '../application-loop.ts';

/** Inbox of a process: prompts arrive as messages. */
export class MessageInbox implements Inbox {
  readonly #upstreamNames: readonly string[];
  readonly #pollIntervalMs: number;
  readonly #prompts = new Set<string>();
  #wake: () => void = () => {};

  constructor(upstreamNames: readonly string[], pollIntervalMs: number) {
    this.#upstreamNames = upstreamNames;
    this.#pollIntervalMs = pollIntervalMs;
  }

  put(upstreamName: string): void {
    this.#prompts.add(upstreamName);
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.#prompts.size === 0;
  }

  async take(signal: AbortSignal): Promise<readonly string[]> {
    if (this.isEmpty) await this.#filled(signal);
    if (signal.aborted) return [];
    const taken = this.isEmpty ? this.#upstreamNames : [...this.#prompts];
    this.#prompts.clear();
    return taken;
  }

  /** Resolves with the next prompt, after the poll interval, or when the signal is aborted. */
  async #filled(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, this.#pollIntervalMs);
    signal.addEventListener('abort', wake);
    this.#wake = wake;
    await promise;
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }
}
