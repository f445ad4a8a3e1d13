import { CausalDependencyError } from '../../application/errors.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { inTime } from '../../util/time.ts';
import { catchCausalWait } from '../blocked-upstreams.ts';
import { retryTransient } from '../retry-transient.ts';
import { timeOfTick } from './clock/simulated-time.ts';
import type { DriverReport } from './interruptions.ts';
import type { Acted, Moment } from './step-driver.ts';

/** An application that follows others. */
export interface SteppedApplication {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
}

/** Processes all that was there when the tick began, but for what waits for another pipeline: that is for a later tick. */
export async function processTick(
  actor: SteppedApplication,
  heads: ReadonlyMap<string, number>,
  { timeMs, seed }: Moment,
  signal: AbortSignal,
  report: DriverReport,
): Promise<Acted> {
  const { application, upstreamNames } = actor;
  const { applicationName } = application;
  let fetched = 0;
  let stall: CausalDependencyError | undefined;
  for (const upstreamName of upstreamNames) {
    const upTo = heads.get(upstreamName) ?? 0;
    // One for all tries: what was recorded before an interruption has ids already.
    const time = timeOfTick(timeMs, `${seed} ${applicationName} ${upstreamName}`);
    let count = 0;
    for (let pulled = 1; pulled > 0; count += pulled) {
      const run = () => application.run({ upstreamName, upTo, batches: 1, signal });
      const work = () => inTime(time, () => catchCausalWait(run));
      const outcome = await retryTransient(work, signal, (error) =>
        report.interrupted(applicationName, error),
      );
      const isStalled = outcome instanceof CausalDependencyError;
      pulled = isStalled ? 0 : outcome;
      if (isStalled) stall ??= outcome;
    }
    if (count > 0) report.processed(applicationName, upstreamName, count);
    fetched += count;
  }
  // Other pipelines may wait for the positions behind what was ignored.
  if (fetched === 0) await settle(actor, signal, report);
  return { fetched, stall };
}

/** Records the positions behind the notifications that an application has ignored. */
export function settle(
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
