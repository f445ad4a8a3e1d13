import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import type { Application } from '../application/application.ts';

/** Interval at which the head of a log is read while requests wait for it, in ms. Other processes may record in the log. */
const pollIntervalMs = 250;

/** A request that waits. */
interface Waiting {
  readonly after: number;
  readonly done: PromiseWithResolvers<void>;
}

/** Watches the end of one log for all requests that wait for it. */
export class HeadWatch {
  readonly #application: Application;
  readonly #waiting = new Set<Waiting>();
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #head = 0;

  constructor(application: Application) {
    this.#application = application;
  }

  /**
   * Resolves with the head of the log: when it is above `after`, when the time is over, or when the signal is aborted,
   * whichever comes first. Rejects if the log cannot be read meanwhile, as when its runner is closed.
   */
  async above(after: number, waitMs: number, signal: AbortSignal): Promise<number> {
    this.#head = await this.#application.log.head();
    if (this.#head > after || waitMs === 0 || signal.aborted) return this.#head;
    const done = Promise.withResolvers<void>();
    const end = () => done.resolve();
    const timer = setTimeout(end, waitMs);
    signal.addEventListener('abort', end, { once: true });
    const waiting = { after, done };
    this.#add(waiting);
    try {
      await done.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      this.#remove(waiting);
    }
    return this.#head;
  }

  #add(waiting: Waiting): void {
    this.#waiting.add(waiting);
    if (this.#timer !== undefined) return;
    this.#unsubscribe = this.#application.subscribe(({ head }) => this.#grown(head));
    this.#timer = setInterval(() => void this.#read(), pollIntervalMs);
  }

  #remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#unsubscribe?.();
    this.#timer = undefined;
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      this.#grown(await this.#application.log.head());
    } catch (error) {
      for (const { done } of this.#waiting) done.reject(error);
    } finally {
      this.#isReading = false;
    }
  }

  #grown(head: number): void {
    this.#head = Math.max(this.#head, head);
    for (const { after, done } of this.#waiting) if (head > after) done.resolve();
  }
}
