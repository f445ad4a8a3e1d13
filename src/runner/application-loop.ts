import { CausalDependencyError, isTransientFailure } from '../application/errors.ts';
import { type ProcessApplication, processApplicationInternals } from '../application/process-application.ts';
import { BlockedUpstreams, catchCausalWait } from './blocked-upstreams.ts';
import { retryTransient } from './retry-transient.ts';
import type { ApplicationState } from './runner.ts';

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

/** How long a busy application may go without recording the positions behind what it has ignored. */
const maxUnrecordedMs = 1_000;

/** Hears how a loop gets on. */
export interface LoopReport {
  entered(state: ApplicationState): void;
  prompted(upstreamNames: readonly string[]): void;
  processed(upstreamName: string, count: number): void;
  interrupted(error: unknown): void;
}

/**
 * Runs one application until the signal is aborted: takes prompts, or polls, and processes a batch of each upstream
 * that has prompted. One that waits for another pipeline is set aside and tried again after a while; the others go on
 * meanwhile, for the other pipeline may wait for them.
 *
 * @throws what the policy or a damaged log made of it: then the application is to be stopped.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { inbox, upstreamNames, application } = options;
  for (const name of upstreamNames) inbox.put(name); // something may have been recorded while nobody was told
  const progress = { stalls: new BlockedUpstreams(), settledAt: -Infinity };
  while (!signal.aborted) {
    try {
      await runOnce(options, progress, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  try {
    await processApplicationInternals.recordPositions(application);
  } catch (error) {
    if (!isTransientFailure(error)) throw error; // else the next start ignores the same notifications again
  }
}

/** What a loop knows from one step to the next. */
interface Progress {
  readonly stalls: BlockedUpstreams;
  /** When the positions behind ignored notifications were recorded last. */
  settledAt: number;
}

async function runOnce(
  { application, inbox, tick, report }: LoopOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const interrupted = (error: unknown) => {
    report.entered('interrupted');
    report.interrupted(error);
  };
  const settle = async () => {
    await retryTransient(() => processApplicationInternals.recordPositions(application), signal, interrupted);
    progress.settledAt = performance.now();
  };
  const { stalls } = progress;
  if (inbox.isEmpty) await settle();
  if (inbox.isEmpty) report.entered(stalls.isEmpty ? 'idle' : 'interrupted');
  const upstreamNames = (await inbox.take(signal)).filter((name) => !stalls.isResting(name));
  if (upstreamNames.length === 0) return;
  report.entered('running');
  report.prompted(upstreamNames);
  await tick?.(signal);
  for (const upstreamName of upstreamNames) {
    if (signal.aborted) return;
    const run = () => catchCausalWait(() => application.run({ upstreamName, batches: 1 }));
    const count = await retryTransient(run, signal, interrupted);
    if (count instanceof CausalDependencyError) {
      interrupted(count);
      stalls.setAside(upstreamName, () => inbox.put(upstreamName), signal);
      continue;
    }
    stalls.end(upstreamName);
    if (count === 0) continue;
    // The first batch at once: who dies of the next one would else begin with the same ignored ones in each life.
    if (performance.now() - progress.settledAt > maxUnrecordedMs) await settle();
    report.entered('running');
    report.processed(upstreamName, count);
    inbox.put(upstreamName); // there may be more
  }
}
