import { isTransientFailure } from '../application/failures.ts';
import { PausedError } from '../application/following-errors.ts';
import { type ProcessApplication, processApplicationInternals } from '../application/process-application.ts';
import { yieldIfBusy } from '../util/yield-to-event-loop.ts';
import { BlockedUpstreams, catchBlocking, mustWait } from './blocked-upstreams.ts';
import { positionsRequest, UnrecordedPositions } from './positions/unrecorded-positions.ts';
import { retryTransient } from './retry-transient.ts';
import type { ApplicationState, Interruption } from './runner.ts';

/** Prompts for one application: at most one pending prompt per upstream, and one for its positions. */
export interface Inbox {
  /** Notes that the log of an upstream may have grown, or that positions are requested by {@link positionsRequest}. */
  put(upstreamName: string): void;
  /**
   * Takes all pending prompts, or waits for a prompt, and resolves with the names of their upstreams: with all
   * upstreams after the poll interval, and with none when the signal is aborted. {@link positionsRequest} is among the
   * names if positions are requested.
   */
  take(signal: AbortSignal): Promise<readonly string[]>;
  readonly isEmpty: boolean;
}

export interface LoopOptions {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
  readonly inbox: Inbox;
  /** Whether positions behind ignored notifications are recorded as soon as the application is idle. */
  readonly recordsWhenIdle: boolean;
  /** Resolves when the clock allows the next step; undefined without a clock. */
  readonly tick: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly report: LoopReport;
}

/** Callbacks for the progress of a loop. */
export interface LoopReport {
  entered(state: ApplicationState): void;
  prompted(upstreamNames: readonly string[]): void;
  processed(upstreamName: string, count: number): void;
  /** Called when the position of a replay was recorded behind more notifications. */
  replayed(): void;
  interrupted(error: unknown, interruption: Interruption): void;
}

/** State of a loop between two steps. */
interface LoopState {
  readonly blocked: BlockedUpstreams;
  readonly positions: UnrecordedPositions;
}

/**
 * Runs one application until the signal is aborted: takes prompts, or polls, and processes a batch of each upstream
 * that has prompted. An upstream that waits for another pipeline or version is retried later; the other upstreams
 * continue, because the other pipeline may wait for them. While the application is paused, it does nothing.
 *
 * @throws the error of the policy or of a damaged log, after which the application must be stopped.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { inbox, upstreamNames, application, recordsWhenIdle, report } = options;
  const promptAll = () => {
    for (const name of upstreamNames) inbox.put(name);
  };
  promptAll(); // logs may have grown before there were prompts
  processApplicationInternals.controlOf(application).watch(promptAll, signal);
  const positions = new UnrecordedPositions({
    recordsWhenIdle,
    isAhead: () => processApplicationInternals.isAhead(application),
    overdue: () => inbox.put(positionsRequest),
  });
  const over = new AbortController(); // also if the application fails
  const replaying = processApplicationInternals.replay(
    application,
    AbortSignal.any([signal, over.signal]),
    () => report.replayed(),
  );
  try {
    await runUntilAborted(options, { blocked: new BlockedUpstreams(), positions }, signal);
  } finally {
    over.abort();
    await replaying;
  }
  positions.close();
  try {
    await processApplicationInternals.recordPositions(application);
  } catch (error) {
    if (!isTransientFailure(error)) throw error; // otherwise the next start reads the same ignored notifications again
  }
}

async function runUntilAborted(options: LoopOptions, state: LoopState, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await runOnce(options, state, signal);
      await yieldIfBusy(); // to messages, one of which may close the worker
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function runOnce(
  { application, inbox, tick, report }: LoopOptions,
  state: LoopState,
  signal: AbortSignal,
): Promise<void> {
  const { blocked, positions } = state;
  const interrupted = (error: unknown, interruption: Interruption) => {
    report.entered('interrupted');
    report.interrupted(error, interruption);
  };
  const recordPositions = async () => {
    positions.recorded();
    await retryTransient(() => processApplicationInternals.recordPositions(application), signal, interrupted);
  };
  const control = processApplicationInternals.controlOf(application);
  if (control.pause !== undefined) {
    await recordPositions();
    report.entered('paused');
    await control.until(() => control.pause === undefined, signal); // the loop is prompted then
  }
  if (inbox.isEmpty && positions.isDue(true)) await recordPositions();
  if (inbox.isEmpty) report.entered(blocked.isEmpty ? 'idle' : 'interrupted');
  const prompts = await inbox.take(signal);
  if (prompts.includes(positionsRequest)) positions.isAwaited = true;
  const upstreamNames = prompts.filter((name) => name !== positionsRequest && !blocked.isResting(name));
  if (upstreamNames.length === 0) return;
  report.entered('running');
  report.prompted(upstreamNames);
  await tick?.(signal);
  for (const upstreamName of upstreamNames) {
    if (signal.aborted) return;
    const run = () =>
      catchBlocking(upstreamName, async () =>
        processApplicationInternals.run(application, { upstreamName, batches: 1, signal }),
      );
    const counts = await retryTransient(run, signal, interrupted);
    if (counts instanceof PausedError) return;
    if (mustWait(counts, upstreamName)) {
      interrupted(
        counts,
        blocked.block(upstreamName, counts, () => inbox.put(upstreamName), signal),
      );
      continue;
    }
    blocked.unblock(upstreamName);
    const processed = [...counts].filter(([, count]) => count > 0);
    if (processed.length === 0) continue;
    positions.processed();
    if (positions.isDue(false)) await recordPositions();
    report.entered('running');
    for (const [name, count] of processed) report.processed(name, count);
    inbox.put(upstreamName); // the log may hold more
  }
}
