import type { Backoff } from '../../util/retry.ts';

/** Delays between restarts. The longest delay is reached only while storage is unavailable. */
export const restartBackoff: Backoff = { firstMs: 100, maxMs: 5_000 };

const maxFaults = 5;
/** A worker idle for this long counts as healthy; a later crash does not count against it. */
const healthyMs = 5_000;

/** Progress of a worker until its death. */
export interface WorkerDeath {
  readonly hasProcessed: boolean;
  /** Time since the worker became idle, in ms; negative if it never did. */
  readonly idleMs: number;
  /** Whether the worker died because storage was unavailable, which is retried without limit. */
  readonly isTransient: boolean;
}

/** Decides whether a dead worker is replaced: not after too many deaths in a row without progress. Immutable. */
export class RestartPolicy {
  /** Number of restarts in a row without progress. */
  readonly restarts: number;
  /** Number of deaths in a row without progress that the worker itself may have caused. */
  readonly faults: number;

  constructor(restarts = 0, faults = 0) {
    this.restarts = restarts;
    this.faults = faults;
  }

  /** Returns the policy after the death of a worker. */
  after({ hasProcessed, idleMs, isTransient }: WorkerDeath): RestartPolicy {
    // Becoming idle is not progress: a timer may crash the worker soon after each start.
    const { restarts, faults } = hasProcessed || idleMs >= healthyMs ? new RestartPolicy() : this;
    return new RestartPolicy(restarts + 1, isTransient ? faults : faults + 1);
  }

  get allowsRestart(): boolean {
    return this.faults <= maxFaults;
  }
}
