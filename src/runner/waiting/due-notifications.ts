import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { type Backoff, backOff } from '../../util/retry.ts';
import { retryTransient } from '../retry-transient.ts';

/** Delays between reads of what is parked. */
const readBackoff: Backoff = { firstMs: 5, maxMs: 200 };

/** An application that may have parked notifications in a pipeline. */
export interface RetryingApplication {
  readonly recorder: Recorder;
  readonly pipelineId: number;
  /** Whether the application processes what is parked of an upstream: it follows it, and has not failed. */
  processes(upstreamName: string): boolean;
}

/**
 * Resolves when an application has processed its parked notifications that are to be processed now, after a retry or
 * because nothing is parked before them. Does not wait for those behind a notification that stays parked.
 */
export async function dueProcessed(
  { recorder, pipelineId, processes }: RetryingApplication,
  signal: AbortSignal,
): Promise<void> {
  const first = async () => (await recorder.parked?.({ pipelineId, after: 0, limit: 1 }))?.[0];
  for (let reads = 1; ; reads += 1) {
    const parked = await retryTransient(first, signal, () => {});
    if (parked === undefined || !isTried(parked) || !processes(parked.upstreamName)) return;
    await backOff(reads, readBackoff, signal);
  }
}

/** Whether a follower tries the notification that was parked first. */
function isTried({ isDue, attempts }: ParkedNotification): boolean {
  return isDue || attempts === 0;
}
