import { InvalidOptionError } from '../../util/options.ts';
import type { Clock } from '../../util/time.ts';
import type { RunnerOptions } from '../runner-options.ts';

/** How a stepping runner is started. */
export interface SteppingRunnerOptions extends RunnerOptions {
  /** Ticks per second of simulated time; 1 by default. */
  readonly normalSpeed?: number;
  /** How much faster than real time it runs; 1 by default, 0 is as fast as it can. */
  readonly scaleFactor?: number;
  /** Simulated time of tick 0, in milliseconds since 1970; by default now. */
  readonly startTimeMs?: number;
  /** Whether it waits to be driven by `step()`, or to be resumed; false by default. */
  readonly paused?: boolean;
  /** Whether a line for each tick is written to standard output; false by default. */
  readonly verbose?: boolean;
  /** Real time, which a test may replace. */
  readonly clock?: Clock;
}

export const steppingOptions: readonly string[] = [
  'normalSpeed',
  'scaleFactor',
  'startTimeMs',
  'paused',
  'verbose',
  'clock',
];

/** Throws InvalidOptionError. */
export function assertSteppingOptions({
  normalSpeed = 1,
  scaleFactor = 1,
  startTimeMs = 0,
}: SteppingRunnerOptions): void {
  if (!(Number.isFinite(normalSpeed) && normalSpeed > 0)) {
    throw new InvalidOptionError(
      `normalSpeed must be a number of Hz above 0, but is ${String(normalSpeed)}.`,
    );
  }
  if (!(Number.isFinite(scaleFactor) && scaleFactor >= 0)) {
    throw new InvalidOptionError(`scaleFactor must be a number from 0, but is ${String(scaleFactor)}.`);
  }
  if (!Number.isSafeInteger(startTimeMs) || startTimeMs < 0) {
    throw new InvalidOptionError(
      `startTimeMs must be whole milliseconds since 1970, but is ${String(startTimeMs)}.`,
    );
  }
}
