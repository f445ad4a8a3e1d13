import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { retryTransient } from '../retry-transient.ts';
import { type ProgressSignal, restUntilProgress } from './watched-followers.ts';

/** Shortest and longest time between two reads of what is parked, in ms; progress ends it early. */
const shortestRestMs = 5;
const longestRestMs = 200;

/** An application that may have parked notifications in a pipeline. */
export interface RetryingApplication {
  readonly recorder: Recorder;
  readonly pipelineId: number;
  /** Progress of the followers, which processes what is due. */
  readonly progress: ProgressSignal;
  /** Whether the application processes what is parked of an upstream: it follows it, and has not failed. */
  processes(upstreamName: string): boolean;
}

/**
 * Resolves when an application has processed its parked notifications that are to be processed now, after a retry or
 * because nothing is parked before them. Does not wait for those behind a notification that stays parked.
 */
export async function dueProcessed(
  { recorder, pipelineId, progress, processes }: RetryingApplication,
  signal: AbortSignal,
): Promise<void> {
  const first = async () => (await recorder.parked?.({ pipelineId, after: 0, limit: 1 }))?.[0];
  for (let ms = shortestRestMs; ; ms = Math.min(2 * ms, longestRestMs)) {
    const seen = progress.progress;
    const parked = await retryTransient(first, signal);
    if (parked === undefined || !isTried(parked) || !processes(parked.upstreamName)) return;
    await restUntilProgress(progress, seen, ms, signal);
  }
}

/** Whether a follower tries the notification that was parked first. */
function isTried({ isDue, attempts }: ParkedNotification): boolean {
  return isDue || attempts === 0;
}
