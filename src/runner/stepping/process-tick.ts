import { CausalDependencyError } from '../../application/errors.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { inTime } from '../../util/time.ts';
import { catchCausalWait } from '../blocked-upstreams.ts';
import { retryTransient } from '../retry-transient.ts';
import { timeOfTick } from './clock/simulated-time.ts';
import type { DriverReport, Moment, TickOutcome } from './step-driver.ts';

/** An application that follows others, on a stepping runner. */
export interface SteppedApplication {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
}

/**
 * Processes the notifications up to the heads. Notifications that depend on another pipeline are left for a later tick.
 */
export async function processTick(
  stepped: SteppedApplication,
  heads: ReadonlyMap<string, number>,
  { timeMs, seed }: Moment,
  signal: AbortSignal,
  report: DriverReport,
): Promise<TickOutcome> {
  const { application, upstreamNames } = stepped;
  const { applicationName } = application;
  let fetched = 0;
  let blockedBy: CausalDependencyError | undefined;
  for (const upstreamName of upstreamNames) {
    const upTo = heads.get(upstreamName) ?? 0;
    // The same for all tries: events that were recorded before an interruption have ids already.
    const time = timeOfTick(timeMs, `${seed} ${applicationName} ${upstreamName}`);
    let count = 0;
    for (let pulled = 1; pulled > 0; count += pulled) {
      const run = () => application.run({ upstreamName, upTo, batches: 1, signal });
      const work = () => inTime(time, () => catchCausalWait(run));
      const outcome = await retryTransient(work, signal, (error) =>
        report.interrupted(applicationName, error),
      );
      const isBlocked = outcome instanceof CausalDependencyError;
      pulled = isBlocked ? 0 : outcome;
      if (isBlocked) blockedBy ??= outcome;
    }
    if (count > 0) report.processed(applicationName, upstreamName, count);
    fetched += count;
  }
  // Applications of other pipelines may wait for the positions behind ignored notifications.
  if (fetched === 0) await recordPositions(stepped, signal, report);
  return { fetched, blockedBy };
}

/** Records the positions behind the notifications that an application ignored. */
export function recordPositions(
  { application }: SteppedApplication,
  signal: AbortSignal,
  report: DriverReport,
): Promise<void> {
  const { applicationName } = application;
  return retryTransient(
    () => processApplicationInternals.recordPositions(application),
    signal,
    (error) => report.interrupted(applicationName, error),
  );
}
