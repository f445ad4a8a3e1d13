import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationState, Interruption } from '../runner.ts';

/** Last known state of an application. */
export interface FollowerState {
  readonly state: ApplicationState;
  readonly lastError: unknown;
  readonly interruption?: Interruption | undefined;
}

export type FollowerStates = (applicationName: string, pipelineId: number) => FollowerState;

/** Reported progress of the followers of a runner. */
export interface ProgressSignal {
  /** Number that changes with the progress of any follower. */
  readonly progress: number;
  /**
   * Resolves when `progress` differs from `seen`, after the timeout, or when the signal is aborted.
   *
   * @throws the error after which no follower makes progress.
   */
  progressSince(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** The followers of a runner, for calls that wait for them. */
export interface WatchedFollowers {
  readonly progress: ProgressSignal;
  readonly stateOf: FollowerStates;
  /** Reads the states of the followers again. Missing if they are always current. */
  refresh?(): Promise<void>;
  /** Prompts the followers of a log to process it and to record their positions. */
  requestPositions(applicationName: string, pipelineId: number): void;
}

/**
 * Waits until followers make progress, but no longer than a time. Many reports of progress end one wait.
 *
 * @throws the reason of the signal once that is aborted.
 */
export async function restUntilProgress(
  progress: ProgressSignal,
  seen: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  await delay(1, undefined, { signal });
  await progress.progressSince(seen, timeoutMs, signal);
  signal.throwIfAborted();
}

/** Signal of followers that report no progress: each wait ends with its timeout. */
export const unreportedProgress: ProgressSignal = {
  progress: 0,
  progressSince: async (_seen, timeoutMs, signal) => {
    await delay(timeoutMs, undefined, { signal }).catch(() => {}); // the signal only ends the wait
  },
};
