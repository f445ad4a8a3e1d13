import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from 'kahn';

/** A clock whose time passes only during sleeps and by `pass()`. Sleeps end at once. */
export class FakeClock implements Clock {
  /** Durations of all sleeps, in ms. */
  readonly sleeps: number[] = [];
  #now = 0;

  now(): number {
    return this.#now;
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    this.pass(ms);
    await nextTurn(undefined, { signal });
  }
}

/** A stopped clock: sleeps end only when their signal is aborted. */
export class StoppedClock implements Clock {
  sleepers = 0;

  now(): number {
    return 0;
  }

  async sleep(_ms: number, signal: AbortSignal): Promise<void> {
    this.sleepers += 1;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    await aborted.promise.finally(() => {
      this.sleepers -= 1;
    });
  }
}
