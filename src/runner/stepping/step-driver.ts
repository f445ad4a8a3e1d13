import type { PausedError } from '../../application/following-errors.ts';
import type { System } from '../../system/system.ts';
import type { Interruption } from '../runner.ts';
import type { RunningSystem } from '../running-system.ts';
import type { LogHeads } from './log-heads.ts';
import type { ResolvedSteppingOptions } from './stepping-options.ts';

/** Number, simulated time and seed of a tick. */
export interface Moment {
  /** Number of the tick. */
  readonly tick: number;
  /** Simulated time, in ms since 1970. */
  readonly timeMs: number;
  /** Seed of the ids that are made in the tick. */
  readonly seed: string;
  /** Errors of the applications that are paused when the tick begins, by name: they do nothing in it. */
  readonly paused: ReadonlyMap<string, PausedError>;
  /** Id of the last operation on each application that it obeys in the tick, by name. */
  readonly operations: ReadonlyMap<string, number>;
}

/** Work of an application in a tick. */
export interface TickOutcome {
  /** Number of notifications that the application fetched. */
  readonly fetched: number;
  /** Error that says what the application waits for, if anything: another pipeline or version, or the end of a pause. */
  readonly blockedBy: unknown;
}

/** Receives the progress of the applications in a tick. */
export interface DriverReport {
  processed(applicationName: string, upstreamName: string, count: number): void;
  interrupted(applicationName: string, error: unknown, interruption: Interruption): void;
}

/** Parts of a {@link StepDriver}. */
export interface DriverParts {
  readonly system: System;
  readonly options: ResolvedSteppingOptions;
  readonly running: RunningSystem;
  readonly heads: LogHeads;
  readonly report: DriverReport;
  /** Seed of all ids that are made in the run. */
  readonly seed: string;
}

/** Runs the applications of a stepping runner, tick by tick, in one thread or in several. */
export interface StepDriver {
  /**
   * Makes all applications fetch what is new in the logs they follow, then makes all of them process it. Resolves with
   * the work of each application, by name.
   *
   * @throws {@link StepFailedError} if an application failed. The others have processed everything they had fetched.
   */
  advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, TickOutcome>>;
  /**
   * Records the positions behind ignored notifications.
   *
   * @throws {@link StepFailedError} if an application failed.
   */
  recordPositions(signal: AbortSignal): Promise<void>;
  /** Makes failed applications work again, from their recorded positions. */
  restart(): Promise<void>;
  /**
   * Stops all applications. Resolves with the names of applications that did not stop within `drainTimeoutMs` and were
   * terminated.
   */
  close(drainTimeoutMs: number): Promise<readonly string[]>;
}
