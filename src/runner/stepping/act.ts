import type { ProcessApplication } from '../../application/process-application.ts';
import { inTime } from '../../util/time.ts';
import { insist } from '../insist.ts';
import type { StageReport } from './report.ts';
import { timeOfTick } from './simulated-time.ts';
import type { Moment } from './stage.ts';

/** An application that follows others. */
export interface Actor {
  readonly application: ProcessApplication;
  readonly upstreamNames: readonly string[];
}

/** Processes all that was there when the tick began; resolves with the number of notifications. */
export async function act(
  { application, upstreamNames }: Actor,
  heads: ReadonlyMap<string, number>,
  { timeMs, seed }: Moment,
  signal: AbortSignal,
  report: StageReport,
): Promise<number> {
  const { applicationName } = application;
  let fetched = 0;
  for (const upstreamName of upstreamNames) {
    const upTo = heads.get(upstreamName) ?? 0;
    // One for all tries: what was recorded before an interruption has ids already.
    const time = timeOfTick(timeMs, `${seed} ${applicationName} ${upstreamName}`);
    const work = () => inTime(time, () => application.run({ upstreamName, upTo, signal }));
    const count = await insist(work, signal, (error) => report.interrupted(applicationName, error));
    if (count > 0) report.processed(applicationName, upstreamName, count);
    fetched += count;
  }
  return fetched;
}

/** Records the positions behind the notifications that an application has ignored. */
export function settle({ application }: Actor, signal: AbortSignal, report: StageReport): Promise<void> {
  const { applicationName } = application;
  return insist(
    () => application.recordPositions(),
    signal,
    (error) => report.interrupted(applicationName, error),
  );
}
