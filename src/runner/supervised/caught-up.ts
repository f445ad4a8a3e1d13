import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { ApplicationStatus } from '../runner.ts';

/** How the peers of a runner get on, as far as they have told. */
export interface ProgressSignal {
  /** Whether none of them has anything to do; those that have failed do not count. */
  readonly isQuiet: boolean;
  /** How often one has come to rest, failed or been interrupted. */
  readonly progress: number;
  /** Resolves when there is more progress than `seen`, or after the time-out. */
  progressSince(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** What it takes to know whether a system is settled. */
export interface CaughtUpProbe {
  readonly progress: ProgressSignal;
  /** The heads of all logs, in the same order each time. */
  heads(): Promise<readonly number[]>;
  status(): Promise<readonly ApplicationStatus[]>;
  /** Tells the peers that follow this log that it has grown. */
  prompt(applicationName: string, pipelineId: number): void;
}

/** How often it is looked whether all is processed, besides whenever there is progress. */
const recheckMs = 1_000;

/**
 * Resolves when nothing is left to process, as the storage tells, wherever nothing has failed; when something has
 * failed here, those elsewhere are not waited for. Logs and positions only grow, so if the logs are as long after the
 * positions were read as before, there was a moment when nothing was left.
 */
export async function waitUntilCaughtUp(settling: CaughtUpProbe, stop: AbortSignal): Promise<void> {
  const { progress, heads } = settling;
  for (;;) {
    await yieldIfBusy();
    stop.throwIfAborted();
    const seen = progress.progress;
    if (progress.isQuiet) {
      const before = await heads();
      if (!(await isAnyBehind(settling))) {
        const after = await heads();
        if (before.every((head, i) => head === after[i])) return;
        continue; // somebody has recorded something meanwhile
      }
    }
    await progress.progressSince(seen, recheckMs, stop);
  }
}

/** Whether anybody has something to process; who is behind here without knowing it is prompted. */
async function isAnyBehind({ status, prompt }: CaughtUpProbe): Promise<boolean> {
  const all = await status();
  const isBehind = ({ upstreams }: ApplicationStatus) => upstreams.some(({ lag }) => lag > 0);
  const here = all.filter((one) => one.state !== 'failed' && one.state !== 'elsewhere' && isBehind(one));
  for (const { pipelineId, upstreams } of here)
    for (const { upstreamName, lag } of upstreams) if (lag > 0) prompt(upstreamName, pipelineId);
  if (here.length > 0) return true;
  return (
    !all.some(({ state }) => state === 'failed') &&
    all.some((one) => one.state === 'elsewhere' && isBehind(one))
  );
}
