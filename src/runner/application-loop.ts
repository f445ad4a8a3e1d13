import type { ProcessApplication } from '../application/process-application.ts';
import type { ApplicationState } from '../system/system-runner.ts';
import { insist, isPassing } from './insist.ts';

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

/**
 * Runs one application until the signal is aborted: takes prompts, or polls, and processes a batch of each upstream
 * that has prompted.
 *
 * @throws what the policy or a damaged log made of it: then the application is to be stopped.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { inbox, upstreamNames, application } = options;
  for (const name of upstreamNames) inbox.put(name); // something may have been recorded while nobody was told
  while (!signal.aborted) {
    try {
      await runOnce(options, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  try {
    await application.recordPositions();
  } catch (error) {
    if (!isPassing(error)) throw error; // else the next start ignores the same notifications again
  }
}

async function runOnce(
  { application, inbox, tick, report }: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  const interrupted = (error: unknown) => {
    report.entered('interrupted');
    report.interrupted(error);
  };
  if (inbox.isEmpty) {
    await insist(() => application.recordPositions(), signal, interrupted);
    report.entered('idle');
  }
  const upstreamNames = await inbox.take(signal);
  if (upstreamNames.length === 0) return;
  report.entered('running');
  report.prompted(upstreamNames);
  await tick?.(signal);
  for (const upstreamName of upstreamNames) {
    if (signal.aborted) return;
    const run = () => application.run({ upstreamName, batches: 1 });
    const count = await insist(run, signal, interrupted);
    if (count === 0) continue;
    report.entered('running');
    report.processed(upstreamName, count);
    inbox.put(upstreamName); // there may be more
  }
}
