import { inRootContext } from '../../../util/environment/root-context.ts';
import type { Clock } from '../../../util/time.ts';
import type { Pacer } from './pacer.ts';

/** Callbacks of a {@link ClockLoop}. */
export interface ClockLoopHooks {
  tick(): Promise<unknown>;
  /** Called with an error of the clock itself, after which the loop has ended. */
  failed(error: unknown): void;
}

/** Ticks at the pace of a clock until the clock is paused. The clock is paused at first. */
export class ClockLoop {
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #hooks: ClockLoopHooks;
  /** Aborted while the clock is paused. */
  #pausing = new AbortController();
  #looping: Promise<void> = Promise.resolve();

  constructor(clock: Clock, pacer: Pacer, hooks: ClockLoopHooks) {
    this.#clock = clock;
    this.#pacer = pacer;
    this.#hooks = hooks;
    this.#pausing.abort();
  }

  get isPaused(): boolean {
    return this.#pausing.signal.aborted;
  }

  /** Resolves when the last tick of a paused clock has ended. */
  get ended(): Promise<void> {
    return this.#looping;
  }

  pause(): void {
    this.#pausing.abort();
  }

  resume(): void {
    if (!this.isPaused) return;
    const pausing = new AbortController();
    this.#pausing = pausing;
    this.#looping = this.#looping
      .then(() => inRootContext(() => this.#loop(pausing.signal)))
      .catch((error) => this.#hooks.failed(error));
  }

  async #loop(pausing: AbortSignal): Promise<void> {
    while (!pausing.aborted) {
      const began = this.#clock.now();
      await this.#hooks.tick().catch(() => {}); // a failed tick has paused the clock
      await this.#clock.sleep(this.#pacer.sleepMs(this.#clock.now() - began), pausing).catch(() => {});
      if (!pausing.aborted) this.#pacer.note(this.#clock.now() - began);
    }
  }
}
