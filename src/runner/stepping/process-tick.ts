import { performance } from 'node:perf_hooks';
import { type BlockingError, dependencyWithin } from '../../application/following-errors.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import type { ReplayBatches } from '../../application/replaying/replay-batches.ts';
import { inTime, type SimulatedTime } from '../../util/time.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { retryTransient } from '../retry-transient.ts';
import type { Interruption } from '../runner.ts';
import { timeOfTick } from './clock/simulated-time.ts';
import type { DriverReport, Moment, TickOutcome } from './step-driver.ts';

/** An application that follows others, on a stepping runner. */
export interface SteppedApplication {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
  readonly replays: ReplayBatches;
}

/** Returns an application as stepping runners process it. */
export function steppedApplication(
  application: ProcessApplication,
  upstreamNames: readonly string[],
): SteppedApplication {
  return { application, upstreamNames, replays: processApplicationInternals.replaysOf(application) };
}

/** The log of an upstream in one tick. */
interface TickUpstream {
  readonly name: string;
  /** Head of the log when the tick began. */
  readonly upTo: number;
  readonly time: SimulatedTime;
}

/**
 * Processes the notifications up to the heads. Goes through the upstreams again while notifications wait for others of
 * the same tick. Notifications that depend on another pipeline or version are left for a later tick. Then processes a batch
 * of each replay.
 */
export async function processTick(
  stepped: SteppedApplication,
  heads: ReadonlyMap<string, number>,
  { timeMs, seed }: Pick<Moment, 'timeMs' | 'seed'>,
  signal: AbortSignal,
  report: DriverReport,
): Promise<TickOutcome> {
  const { application, upstreamNames } = stepped;
  const { applicationName } = application;
  const upstreams = upstreamNames.map((name) => ({
    name,
    upTo: heads.get(name) ?? 0,
    // The same for all tries: events that were recorded before an interruption have ids already.
    time: timeOfTick(timeMs, `${seed} ${applicationName} ${name}`),
  }));
  let fetched = 0;
  let before = 0;
  let blocked: BlockingError[] = [];
  do {
    before = fetched;
    blocked = [];
    for (const upstream of upstreams) {
      const { count, blockedBy } = await processUpstream(application, upstream, signal, report);
      if (count > 0) report.processed(applicationName, upstream.name, count);
      if (blockedBy !== undefined) blocked.push(blockedBy);
      fetched += count;
    }
  } while (fetched > before && blocked.some(dependencyWithin));
  const replayTime = timeOfTick(timeMs, `${seed} ${applicationName} replays`);
  fetched += await processReplays(stepped, replayTime, signal, report);
  if (fetched === 0) {
    await compareLogs(stepped, signal, report);
    // Applications of other pipelines may wait for the positions behind ignored notifications.
    await recordPositions(stepped, signal, report);
  }
  const root = blocked.find((error) => dependencyWithin(error) === undefined) ?? blocked[0];
  return { fetched, blockedBy: root };
}

/** Time between two comparisons of the logs of an application that has nothing to process, in ms. */
const compareEveryMs = 250;
/** Time of the last comparison, by `performance.now()`. */
const comparedAt = new WeakMap<ProcessApplication, number>();

/** Notices logs that were restored from an older copy and have not grown past the head that is known. */
async function compareLogs(
  { application }: SteppedApplication,
  signal: AbortSignal,
  report: DriverReport,
): Promise<void> {
  if (performance.now() - (comparedAt.get(application) ?? 0) < compareEveryMs) return;
  await retryTransient(
    () => processApplicationInternals.compareLogs(application),
    signal,
    interruptionsTo(report, application),
  );
  comparedAt.set(application, performance.now());
}

/** Processes the notifications of one upstream, up to the first that must wait. */
async function processUpstream(
  application: ProcessApplication,
  { name, upTo, time }: TickUpstream,
  signal: AbortSignal,
  report: DriverReport,
): Promise<{ readonly count: number; readonly blockedBy: BlockingError | undefined }> {
  const pull = () => {
    signal.throwIfAborted();
    return inTime(time, () => processApplicationInternals.pull(application, name, upTo, signal));
  };
  const interrupted = interruptionsTo(report, application);
  for (let count = 0; ; ) {
    const pulled = await retryTransient(async () => pull(), signal, interrupted);
    if (typeof pulled !== 'number') return { count, blockedBy: pulled };
    if (pulled === 0) return { count, blockedBy: undefined };
    count += pulled;
    await yieldIfBusy();
  }
}

/** Processes a batch of each replay. Resolves with the number of notifications. */
async function processReplays(
  { application, replays }: SteppedApplication,
  time: SimulatedTime,
  signal: AbortSignal,
  report: DriverReport,
): Promise<number> {
  const next = () => inTime(time, () => replays.next(signal));
  const { count } = await retryTransient(next, signal, interruptionsTo(report, application));
  return count;
}

/** Records the positions behind the notifications that an application ignored. */
export function recordPositions(
  { application }: SteppedApplication,
  signal: AbortSignal,
  report: DriverReport,
): Promise<void> {
  return retryTransient(
    () => processApplicationInternals.recordPositions(application),
    signal,
    interruptionsTo(report, application),
  );
}

/** Reads what people did to an application, before a tick in which it obeys that. */
export function readOperations(
  { application }: SteppedApplication,
  signal: AbortSignal,
  report: DriverReport,
): Promise<void> {
  const control = processApplicationInternals.controlOf(application);
  return retryTransient(() => control.refresh(), signal, interruptionsTo(report, application));
}

/** Returns a function that reports each failed try: no wait for a storage may be silent. */
function interruptionsTo(report: DriverReport, { applicationName }: ProcessApplication) {
  return (error: unknown, interruption: Interruption) =>
    report.interrupted(applicationName, error, interruption);
}
