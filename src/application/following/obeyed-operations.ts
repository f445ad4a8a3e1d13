import { performance } from 'node:perf_hooks';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { ControlLog } from '../control/control-log.ts';
import { PausedError } from '../following-errors.ts';
import type { EventStore } from '../recording/event-store.ts';

/** Followers that obey operations. */
export interface ObeyingFollowers {
  /** Reads positions and all else again, because an older copy of the storage was restored. */
  restored(): void;
  /** Reads the positions again, because people have moved one. */
  moved(): void;
  /** Looks for parked notifications that are due. */
  retried(): void;
}

/** What people did to an application, as its followers in one pipeline obey it: before each run and between batches. */
export class ObeyedOperations {
  readonly #applicationName: string;
  readonly #control: ControlLog;
  readonly #followers: ObeyingFollowers;
  /** Last operation that moved a position, as far as it is obeyed. */
  #resetId = 0;
  /** Last operation that had parked notifications retried, as far as it is obeyed. */
  #retryId = 0;
  /** Number of restores of the storage, as far as the followers know of them. */
  #restores = 0;

  constructor({ applicationName, recorder }: EventStore, followers: ObeyingFollowers) {
    this.#applicationName = applicationName;
    this.#control = ControlLog.of(recorder);
    this.#followers = followers;
  }

  /** Whether the operations were read, and the application is not paused. */
  get isFree(): boolean {
    return this.#control.isFree;
  }

  /** Reads the operations, unless they were read within the last second. */
  refreshIfDue(now?: number): Promise<void> | undefined {
    return this.#control.refreshIfDue(now);
  }

  /** Obeys the operations that were read since the last call. */
  obey(): void {
    const { repetitions, restores, lastRetryId } = this.#control;
    const isRestored = restores !== this.#restores;
    if (isRestored) this.#followers.restored();
    else if (repetitions.lastResetId !== this.#resetId) this.#followers.moved();
    if (lastRetryId !== this.#retryId) this.#followers.retried();
    this.#restores = restores;
    this.#resetId = repetitions.lastResetId;
    this.#retryId = lastRetryId;
  }

  /** Lets others work, or reads the operations, if it is time for that. Returns no promise if it is not. */
  rest(): Promise<void> | undefined {
    const now = performance.now();
    return yieldIfDue(now) ?? this.refreshIfDue(now);
  }

  /** Throws {@link PausedError} if the application is paused. */
  assertNotPaused(): void {
    const { pause } = this.#control;
    if (pause !== undefined) throw new PausedError(this.#applicationName, pause);
  }
}
