/** Size of the sliding window for the actual speed, in ticks. */
const windowTicks = 100;

/**
 * Computes the sleeps of a stepping clock: the excess of a tick is subtracted from the following sleeps. Later excess
 * weighs less, so a slow cold start does not disturb the pace for long. This damping is the rule of `ClockThread` in
 * eventsourcing 8.x; the clock of the multi-threaded runner subtracts half of each excess, like its counterpart there.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #durations: number[] = [];
  #adjustmentMs = 0;
  #ticks = 0;

  /** @param hz Ticks per second of real time; 0 ticks as fast as possible. */
  constructor(hz: number) {
    this.#intervalMs = hz === 0 ? 0 : 1_000 / hz;
  }

  /** Ticks per second of real time, over the last 100 ticks; 0 before the first. */
  get actualHz(): number {
    const total = this.#durations.reduce((sum, ms) => sum + ms, 0);
    return total === 0 ? 0 : (this.#durations.length * 1_000) / total;
  }

  /** Returns the sleep after a tick that worked for this long, in ms. */
  sleepMs(workedMs: number): number {
    return Math.max(this.#intervalMs - this.#adjustmentMs - workedMs, 0);
  }

  /** Notes the duration of a whole tick, work and sleep. */
  note(durationMs: number): void {
    this.#ticks += 1;
    this.#durations.push(durationMs);
    if (this.#durations.length > windowTicks) this.#durations.shift();
    const seconds = (this.#ticks * this.#intervalMs) / 1_000;
    const grown = this.#adjustmentMs + (durationMs - this.#intervalMs) / (1 + seconds) ** 2;
    this.#adjustmentMs = Math.min(Math.max(grown, 0), this.#intervalMs);
  }
}
