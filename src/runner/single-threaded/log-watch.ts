import { clearInterval, setInterval } from 'node:timers';
import type { LogListener, OpenedStorage } from '../../storage/storage.ts';
import { defaultPollIntervalMs } from '../runner-options.ts';

/**
 * Watches the logs for events that other processes record: by prompts of the storage if it sends any, and by polling.
 * Storage without prompts is polled only if an interval is given.
 */
export class LogWatch implements AsyncDisposable {
  readonly #listening: AsyncDisposable | undefined;
  readonly #polling: NodeJS.Timeout | undefined;

  private constructor(listening: AsyncDisposable | undefined, polling: NodeJS.Timeout | undefined) {
    this.#listening = listening;
    this.#polling = polling;
  }

  /** Starts watching. Calls `onGap` for each poll, too. */
  static async start(
    storage: OpenedStorage,
    pollIntervalMs: number | undefined,
    listener: LogListener,
  ): Promise<LogWatch> {
    const listening = await storage.listen?.(listener);
    const intervalMs = pollIntervalMs ?? (listening && defaultPollIntervalMs);
    const polling = intervalMs === undefined ? undefined : setInterval(() => listener.onGap(), intervalMs);
    return new LogWatch(listening, polling);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#polling);
    await this.#listening?.[Symbol.asyncDispose]();
  }
}
