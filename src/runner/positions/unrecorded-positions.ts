import { clearTimeout, setTimeout } from 'node:timers';
import type { System } from '../../system/system.ts';

/** A prompt that requests positions, in place of the name of an upstream. */
export const positionsRequest = '';

/** Longest time for which positions behind ignored notifications stay unrecorded, in ms. */
const longestMs = 1_000;

/**
 * Returns whether the applications of a system record positions behind ignored notifications as soon as they are idle:
 * followers of other pipelines, perhaps on other hosts, wait for these positions if there are causal dependencies.
 */
export function mustRecordWhenIdle({ applications }: System): boolean {
  return applications.some(({ causalDependencies }) => causalDependencies === true);
}

export interface UnrecordedPositionsOptions {
  /** Whether to record positions as soon as the application is idle, as if a caller waited for them. */
  readonly recordsWhenIdle: boolean;
  /** Whether notifications were ignored since the positions were last recorded. */
  isAhead(): boolean;
  /** Called when positions have been unrecorded for about a second. */
  overdue(): void;
}

/**
 * Tells when to record positions behind ignored notifications: after about a second, or when a caller waits for them.
 * Otherwise they are recorded with the next events.
 */
export class UnrecordedPositions {
  readonly #options: UnrecordedPositionsOptions;
  #timer: NodeJS.Timeout | undefined;
  /**
   * Whether the positions must be recorded even while the application is busy. The first positions after a start are:
   * otherwise, a worker that crashes soon after each start reads the same ignored notifications every time.
   */
  isOverdue = true;
  /** Whether a caller waits for positions, which are then recorded when the application is idle. */
  isAwaited = false;

  constructor(options: UnrecordedPositionsOptions) {
    this.#options = options;
  }

  /** Notes that notifications were processed. */
  processed(): void {
    const { recordsWhenIdle, isAhead, overdue } = this.#options;
    if (this.#timer !== undefined || !isAhead()) return;
    if (recordsWhenIdle) this.isAwaited = true;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!isAhead()) return; // recorded with events
      this.isOverdue = true;
      overdue();
    }, longestMs);
    this.#timer.unref(); // without these positions, the next start reads ignored notifications again
  }

  /** Whether the positions must be recorded now. */
  isDue(isIdle: boolean): boolean {
    return (this.isOverdue || (isIdle && this.isAwaited)) && this.#options.isAhead();
  }

  /** Notes that all positions are being recorded. */
  recorded(): void {
    this.isOverdue = false;
    this.isAwaited = false;
    this.close();
  }

  /** Stops the timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
