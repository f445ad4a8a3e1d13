import type { OpeningTask } from '../supervised/open-application.ts';
import type { BoardDescription } from './shared-board.ts';

/** Plain data with which the worker thread of an application is started. */
export interface ThreadTask extends OpeningTask {
  readonly board: BoardDescription;
  /** Index of the assignment on the board. */
  readonly index: number;
  readonly pollIntervalMs: number;
  /** Whether positions behind ignored notifications are recorded as soon as the application is idle. */
  readonly recordsWhenIdle: boolean;
  /** Whether a clock decides when each step begins. */
  readonly isClocked: boolean;
}
