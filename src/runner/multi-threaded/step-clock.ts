import { performance } from 'node:perf_hooks';
import { sleep } from '../../util/time.ts';

export interface ClockOptions {
  /** Ticks per second, in Hz. */
  readonly speed: number;
  tick(): void;
  /** Called for a tick that is more than three intervals late. */
  overrun(tick: number, tickMs: number, intervalMs: number): void;
}

/**
 * Ticks until the signal is aborted. If a tick is late, half of the delay is subtracted from the following intervals,
 * but never more than half of an interval, so that the clock keeps its speed on average. This is the rule of the
 * multi-threaded runner of eventsourcing 8.x. Its stepping clock has another rule, see {@link Pacer}.
 */
export async function runClock({ speed, tick, overrun }: ClockOptions, signal: AbortSignal): Promise<void> {
  const intervalMs = 1_000 / speed;
  let adjustmentMs = 0;
  let last = performance.now();
  for (let ticks = 1; !signal.aborted; ticks += 1) {
    await sleep(intervalMs - adjustmentMs, signal).catch(() => {});
    if (signal.aborted) return;
    tick();
    const now = performance.now();
    const delayMs = now - last - intervalMs;
    last = now;
    if (delayMs > 3 * intervalMs) overrun(ticks, delayMs + intervalMs, intervalMs);
    adjustmentMs = Math.min(Math.max(adjustmentMs + delayMs / 2, 0), intervalMs / 2);
  }
}
