import { durationMs, flag, frequencyHz, integer, ruleOf } from '../../util/option-rules.ts';
import type { OptionRules, ResolvedOptions } from '../../util/options.ts';
import type { Clock } from '../../util/time.ts';
import {
  type DefaultedRunnerOption,
  defaultPollIntervalMs,
  type RunnerOptions,
  runnerOptions,
} from '../runner-options.ts';

/** Options of {@link SteppingSingleThreadedRunner.start} and {@link SteppingMultiThreadedRunner.start}. */
export interface SteppingRunnerOptions<Opened extends object = object> extends RunnerOptions<Opened> {
  /** Ticks per second of simulated time, in Hz. @default 1 */
  readonly normalSpeed?: number;
  /** Seconds of simulated time per second of real time; 0 runs as fast as possible. @default 1 */
  readonly scaleFactor?: number;
  /** Simulated time of tick 0, in ms since 1970. @default the time of the start */
  readonly startTimeMs?: number;
  /** Whether the clock waits for `resume()`. `step()` and `stepUntil()` tick while it waits. @default false */
  readonly paused?: boolean;
  /** Whether each tick is written to standard output, as one line; `subscribe()` gives the same as data. @default false */
  readonly verbose?: boolean;
  /** Source of real time, which a test can replace. @default the clock of the machine */
  readonly clock?: Clock;
}

type DefaultedOption =
  | DefaultedRunnerOption
  | 'pollIntervalMs'
  | 'normalSpeed'
  | 'scaleFactor'
  | 'paused'
  | 'verbose';

export type ResolvedSteppingOptions = ResolvedOptions<SteppingRunnerOptions, DefaultedOption>;

export const steppingRunnerOptions: OptionRules<SteppingRunnerOptions, DefaultedOption> = {
  ...runnerOptions,
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  normalSpeed: frequencyHz(1),
  scaleFactor: ruleOf('a finite number >= 0', (value) => Number.isFinite(value) && Number(value) >= 0, 1),
  startTimeMs: integer({ least: 0 }),
  paused: flag(false),
  verbose: flag(false),
  clock: ruleOf('an object with now() and sleep()', isClock),
};

function isClock(value: unknown): boolean {
  const { now, sleep } = (value ?? {}) as Partial<Clock>;
  return typeof now === 'function' && typeof sleep === 'function';
}
