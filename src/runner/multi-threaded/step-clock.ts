import { setTimeout as delay } from 'node:timers/promises';

/** What a clock does. */
export interface ClockOptions {
  /** How often it is to tick, in Hz. */
  readonly speed: number;
  tick(): void;
  /** Called for a tick that came more than three intervals too late. */
  overrun(tick: number, tickMs: number, intervalMs: number): void;
}

/**
 * Ticks until the signal is aborted. Half of what a tick is too long is taken off the next ones, but never more than
 * half an interval, so that the clock keeps its speed on average.
 */
export async function runClock({ speed, tick, overrun }: ClockOptions, signal: AbortSignal): Promise<void> {
  const intervalMs = 1_000 / speed;
  let adjustmentMs = 0;
  let last = performance.now();
  for (let ticks = 1; !signal.aborted; ticks += 1) {
    await delay(intervalMs - adjustmentMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    tick();
    const now = performance.now();
    const oversizeMs = now - last - intervalMs;
    last = now;
    if (oversizeMs > 3 * intervalMs) overrun(ticks, oversizeMs + intervalMs, intervalMs);
    adjustmentMs = Math.min(Math.max(adjustmentMs + oversizeMs / 2, 0), intervalMs / 2);
  }
}
