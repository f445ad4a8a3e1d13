import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import type { Application } from '../application/application.ts';

/** Interval at which the head of a log is read while requests wait for it, in ms. Other processes may record in the log. */
const pollIntervalMs = 250;

/** Watches the end of one log for all requests that wait for it. */
export class HeadWatch {
  readonly #application: Application;
  readonly #waiting = new Set<() => void>();
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #head = 0;

  constructor(application: Application) {
    this.#application = application;
  }

  /**
   * Resolves with the head of the log: when it is above `after`, when the time is over, or when the signal is aborted,
   * whichever comes first.
   */
  async above(after: number, waitMs: number, signal: AbortSignal): Promise<number> {
    this.#head = await this.#application.log.head();
    if (this.#head > after || waitMs === 0 || signal.aborted) return this.#head;
    const done = Promise.withResolvers<void>();
    const look = () => {
      if (this.#head > after) done.resolve();
    };
    const timer = setTimeout(done.resolve, waitMs);
    signal.addEventListener('abort', () => done.resolve(), { once: true });
    this.#add(look);
    try {
      await done.promise;
    } finally {
      clearTimeout(timer);
      this.#remove(look);
    }
    return this.#head;
  }

  #add(look: () => void): void {
    this.#waiting.add(look);
    if (this.#timer !== undefined) return;
    this.#unsubscribe = this.#application.subscribe(({ head }) => this.#grown(head));
    this.#timer = setInterval(() => void this.#read(), pollIntervalMs);
  }

  #remove(look: () => void): void {
    this.#waiting.delete(look);
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
    } catch {
      // the requests end when their time is over, and the next ones show the trouble
    } finally {
      this.#isReading = false;
    }
  }

  #grown(head: number): void {
    this.#head = Math.max(this.#head, head);
    for (const look of [...this.#waiting]) look();
  }
}
