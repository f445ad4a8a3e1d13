/** How long the ticks of the sliding window for the actual speed are, at most. */
const windowTicks = 100;

/**
 * Keeps the pace of a clock: what a tick took too long is taken off the sleep of the next ones. An early oversize
 * weighs more than a late one, so that the start, when all is cold, does not disturb for long: eventsourcing 8.x,
 * `ClockThread`.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #durations: number[] = [];
  #adjustmentMs = 0;
  #ticks = 0;

  /** `hz` is how often it is to tick in a second of real time; 0 is as often as it can. */
  constructor(hz: number) {
    this.#intervalMs = hz === 0 ? 0 : 1_000 / hz;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  get adjustmentMs(): number {
    return this.#adjustmentMs;
  }

  /** Ticks per second of real time, over the last ticks; 0 before the first one. */
  get actualHz(): number {
    const total = this.#durations.reduce((sum, ms) => sum + ms, 0);
    return total === 0 ? 0 : (this.#durations.length * 1_000) / total;
  }

  /** How long to sleep after a tick that has worked for so long. */
  sleepMs(workedMs: number): number {
    return Math.max(this.#intervalMs - this.#adjustmentMs - workedMs, 0);
  }

  /** Notes how long a whole tick was, work and sleep. */
  note(durationMs: number): void {
    this.#ticks += 1;
    this.#durations.push(durationMs);
    if (this.#durations.length > windowTicks) this.#durations.shift();
    const seconds = (this.#ticks * this.#intervalMs) / 1_000;
    const grown = this.#adjustmentMs + (durationMs - this.#intervalMs) / (1 + seconds) ** 2;
    this.#adjustmentMs = Math.min(Math.max(grown, 0), this.#intervalMs);
  }
}
