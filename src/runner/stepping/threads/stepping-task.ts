import type { Assignment } from '../../assignment.ts';
import type { OpeningTask } from '../../supervised/open-application.ts';

/** Plain data with which a thread of a stepping runner is started. */
export interface SteppingTask extends OpeningTask {
  readonly assignment: Assignment;
  /** Names of all applications, in the order of their heads. */
  readonly names: readonly string[];
  readonly heads: SharedArrayBuffer;
  readonly sharedTick: SharedArrayBuffer;
  /** Number of threads. */
  readonly threads: number;
  /** Index of this thread. */
  readonly index: number;
  /** Seed of all ids that are made in the run. */
  readonly seed: string;
}
