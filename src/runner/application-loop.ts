import type { ProcessApplication } from '../application/process-application.ts';
import { PositionConflictError, RecordConflictError } from '../persistence/errors.ts';
import type { ApplicationState } from '../system/system-runner.ts';
import { backOff } from '../util/backoff.ts';
import { isInterruption } from './errors.ts';

/** Where prompts for one application come in; one pending prompt for each upstream is enough. */
export interface Inbox {
  /** Notes that the log of an upstream may have grown. */
  put(upstreamName: string): void;
  /**
   * Takes what has come in or, when nothing has for the poll interval, the names of all upstreams. Resolves with
   * nothing once the signal is aborted.
   */
  take(signal: AbortSignal): Promise<readonly string[]>;
  readonly isEmpty: boolean;
}

/** What a loop works with. */
export interface LoopOptions {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
  readonly inbox: Inbox;
  /** Resolves when the clock, if there is one, lets the next step begin. */
  readonly tick: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly report: LoopReport;
}

/** Hears how a loop gets on. */
export interface LoopReport {
  entered(state: ApplicationState): void;
  prompted(upstreamNames: readonly string[]): void;
  processed(upstreamName: string, count: number): void;
  interrupted(error: unknown): void;
}

const backoff = { firstMs: 50, maxMs: 5_000 };

/**
 * Runs one application until the signal is aborted: takes prompts, or polls, and processes a batch of each upstream
 * that has prompted. What fails because storage is busy or away, or because others record the same things, is tried
 * again, ever more slowly.
 *
 * @throws what the policy or a damaged log made of it: then the application is to be stopped.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { inbox, upstreamNames } = options;
  for (const name of upstreamNames) inbox.put(name); // something may have been recorded while nobody was told
  let failures = 0;
  while (!signal.aborted) {
    try {
      await runOnce(options, signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) break;
      if (!isPassing(error)) throw error;
      for (const name of upstreamNames) inbox.put(name);
      options.report.entered('interrupted');
      options.report.interrupted(error);
      failures += 1;
      await backOff(failures, backoff, signal).catch(() => {});
    }
  }
  try {
    await options.application.recordPositions();
  } catch (error) {
    if (!isPassing(error)) throw error; // else the next start ignores the same notifications again
  }
}

async function runOnce(
  { application, inbox, tick, report }: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  if (inbox.isEmpty) {
    await application.recordPositions();
    report.entered('idle');
  }
  const upstreamNames = await inbox.take(signal);
  if (upstreamNames.length === 0) return;
  report.entered('running');
  report.prompted(upstreamNames);
  await tick?.(signal);
  for (const upstreamName of upstreamNames) {
    if (signal.aborted) return;
    const count = await application.run({ upstreamName, batches: 1 });
    if (count === 0) continue;
    report.processed(upstreamName, count);
    inbox.put(upstreamName); // there may be more
  }
}

/** Whether it may go well if tried again later. */
function isPassing(error: unknown): boolean {
  return (
    isInterruption(error) || error instanceof PositionConflictError || error instanceof RecordConflictError
  );
}
