import { performance } from 'node:perf_hooks';
import { isTransientFailure } from '../application/failures.ts';
import { isBlocking } from '../application/following-errors.ts';
import { type ProcessApplication, processApplicationInternals } from '../application/process-application.ts';
import { yieldIfBusy } from '../util/yield-to-event-loop.ts';
import { BlockedUpstreams, catchBlocking } from './blocked-upstreams.ts';
import { retryTransient } from './retry-transient.ts';
import type { ApplicationState, Interruption } from './runner.ts';

/** Prompts for one application: at most one pending prompt per upstream. */
export interface Inbox {
  /** Notes that the log of an upstream may have grown. */
  put(upstreamName: string): void;
  /**
   * Takes all pending prompts, or waits for a prompt, and resolves with the names of their upstreams: with all
   * upstreams after the poll interval, and with none when the signal is aborted.
   */
  take(signal: AbortSignal): Promise<readonly string[]>;
  readonly isEmpty: boolean;
}

export interface LoopOptions {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
  readonly inbox: Inbox;
  /** Resolves when the clock allows the next step; undefined without a clock. */
  readonly tick: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly report: LoopReport;
}

/** Callbacks for the progress of a loop. */
export interface LoopReport {
  entered(state: ApplicationState): void;
  prompted(upstreamNames: readonly string[]): void;
  processed(upstreamName: string, count: number): void;
  interrupted(error: unknown, interruption: Interruption): void;
}

/** Longest time for which a busy application leaves positions behind ignored notifications unrecorded, in ms. */
const maxUnrecordedMs = 1_000;

/** State of a loop between two steps. */
interface LoopState {
  readonly blocked: BlockedUpstreams;
  /** Time when positions behind ignored notifications were last recorded, by `performance.now()`. */
  recordedAt: number;
}

/**
 * Runs one application until the signal is aborted: takes prompts, or polls, and processes a batch of each upstream
 * that has prompted. An upstream that waits for another pipeline or version is retried later; the other upstreams
 * continue, because the other pipeline may wait for them.
 *
 * @throws the error of the policy or of a damaged log, after which the application must be stopped.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { inbox, upstreamNames, application } = options;
  for (const name of upstreamNames) inbox.put(name); // logs may have grown before there were prompts
  const state: LoopState = { blocked: new BlockedUpstreams(), recordedAt: -Infinity };
  while (!signal.aborted) {
    try {
      await runOnce(options, state, signal);
      await yieldIfBusy(); // to messages, one of which may close the worker
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  try {
    await processApplicationInternals.recordPositions(application);
  } catch (error) {
    if (!isTransientFailure(error)) throw error; // otherwise the next start reads the same ignored notifications again
  }
}

async function runOnce(
  { application, inbox, tick, report }: LoopOptions,
  state: LoopState,
  signal: AbortSignal,
): Promise<void> {
  const { blocked } = state;
  const interrupted = (error: unknown, interruption: Interruption) => {
    report.entered('interrupted');
    report.interrupted(error, interruption);
  };
  const recordPositions = async () => {
    await retryTransient(() => processApplicationInternals.recordPositions(application), signal, interrupted);
    state.recordedAt = performance.now();
  };
  if (inbox.isEmpty) await recordPositions();
  if (inbox.isEmpty) report.entered(blocked.isEmpty ? 'idle' : 'interrupted');
  const upstreamNames = (await inbox.take(signal)).filter((name) => !blocked.isResting(name));
  if (upstreamNames.length === 0) return;
  report.entered('running');
  report.prompted(upstreamNames);
  await tick?.(signal);
  for (const upstreamName of upstreamNames) {
    if (signal.aborted) return;
    const run = () =>
      catchBlocking(() => processApplicationInternals.run(application, { upstreamName, batches: 1 }));
    const counts = await retryTransient(run, signal, interrupted);
    if (isBlocking(counts)) {
      interrupted(
        counts,
        blocked.block(upstreamName, () => inbox.put(upstreamName), signal),
      );
      continue;
    }
    blocked.unblock(upstreamName);
    const processed = [...counts].filter(([, count]) => count > 0);
    if (processed.length === 0) continue;
    // Record the position of the first batch at once: otherwise a worker that crashes on the next batch reads the
    // same ignored notifications after every restart.
    if (performance.now() - state.recordedAt > maxUnrecordedMs) await recordPositions();
    report.entered('running');
    for (const [name, count] of processed) report.processed(name, count);
    inbox.put(upstreamName); // the log may hold more
  }
}
