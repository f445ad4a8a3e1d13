import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { ApplicationStatus } from '../runner.ts';

/** Reported progress of the followers of a runner. */
export interface ProgressSignal {
  /** Whether no follower has notifications to process; failed followers do not count. */
  readonly isQuiet: boolean;
  /** Number of times that a follower became idle, failed or was interrupted. */
  readonly progress: number;
  /** Resolves when `progress` differs from `seen`, or after the timeout. */
  progressSince(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** Access to the state that decides whether a system is caught up. */
export interface CaughtUpProbe {
  readonly progress: ProgressSignal;
  /** Reads the heads of all logs, in the same order each time. */
  heads(): Promise<readonly number[]>;
  status(): Promise<readonly ApplicationStatus[]>;
  /** Prompts the followers of a log. */
  prompt(applicationName: string, pipelineId: number): void;
}

/** Longest time between two checks, in ms; progress triggers a check at once. */
const recheckMs = 1_000;

/**
 * Resolves when, according to the storage, no application except failed ones has notifications to process. Once an
 * application of this runner has failed, applications on other hosts are not waited for.
 *
 * Logs and positions only grow. So if the logs have the same heads after the positions were read as before, there was
 * a moment at which every notification was processed.
 */
export async function waitUntilCaughtUp(probe: CaughtUpProbe, stop: AbortSignal): Promise<void> {
  const { progress, heads } = probe;
  for (;;) {
    await yieldIfBusy();
    stop.throwIfAborted();
    const seen = progress.progress;
    if (progress.isQuiet) {
      const before = await heads();
      if (!(await isAnyBehind(probe))) {
        const after = await heads();
        if (before.every((head, i) => head === after[i])) return;
        continue; // a log grew meanwhile
      }
    }
    await progress.progressSince(seen, recheckMs, stop);
  }
}

/** Returns whether any application is behind, and prompts the applications of this runner that are behind. */
async function isAnyBehind({ status, prompt }: CaughtUpProbe): Promise<boolean> {
  const all = await status();
  const isBehind = ({ upstreams }: ApplicationStatus) => upstreams.some(({ lag }) => lag > 0);
  const own = all.filter((one) => one.state !== 'failed' && one.state !== 'elsewhere' && isBehind(one));
  for (const { pipelineId, upstreams } of own)
    for (const { upstreamName, lag } of upstreams) if (lag > 0) prompt(upstreamName, pipelineId);
  if (own.length > 0) return true;
  return (
    !all.some(({ state }) => state === 'failed') &&
    all.some((one) => one.state === 'elsewhere' && isBehind(one))
  );
}
