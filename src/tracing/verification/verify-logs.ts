import { ceilingOf } from '../../application/log/mark.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { type CheckedLog, walkInCausalOrder } from './causal-order.ts';
import { CauseCheck, type CauseSource } from './cause-check.ts';
import { type Extents, headIn, readExtents } from './extents.ts';
import type { LogName } from './fault.ts';
import { LogWalk } from './log-walk.ts';
import { checkOperations } from './operations/operation-check.ts';
import { checkParked } from './parked-check.ts';
import { checkPositions } from './position-check.ts';
import type { ProgressReport } from './progress-report.ts';
import { FaultList, Verification } from './verification.ts';
import { VersionCheck } from './version-check.ts';

/** Bounds of the memory that a verification uses. */
export interface VerificationBounds {
  /** Largest number of notifications of one log that are read at once. */
  readonly pageSize: number;
  /** Number of notifications of all logs that are read at once. */
  readonly notifications: number;
  /** Characters of data and metadata of all logs that are read at once. */
  readonly length: number;
  /** Number of aggregates, in all logs, whose newest versions are remembered. */
  readonly aggregates: number;
}

const defaultBounds: VerificationBounds = {
  pageSize: 1_000,
  notifications: 20_000,
  length: 32_000_000,
  aggregates: 200_000,
};

/** Verifies the logs and positions of applications, given the recorder of each of them. */
export async function verifyLogs(
  recorders: ReadonlyMap<string, Recorder>,
  progress: ProgressReport,
  bounds: VerificationBounds = defaultBounds,
  faults: FaultList = new FaultList(),
): Promise<Verification> {
  const extents = await readExtents(recorders);
  await checkPositions(recorders, extents, faults);
  await checkParked(recorders, extents, faults);
  await checkOperations(recorders, faults);
  const logs = checkedLogs(recorders, extents, faults, progress, bounds);
  try {
    await walkInCausalOrder(logs, faults);
    for (const { walk } of logs) await walk.checkEnd();
  } finally {
    await Promise.all(logs.map(({ walk }) => walk.settle()));
  }
  const events = logs.reduce((sum, { walk }) => sum + walk.count, 0);
  const causes = logs.reduce((sum, log) => sum + log.causes.count, 0);
  return new Verification(events, causes, faults);
}

function checkedLogs(
  recorders: ReadonlyMap<string, Recorder>,
  extents: Extents,
  faults: FaultList,
  progress: ProgressReport,
  bounds: VerificationBounds,
): readonly CheckedLog[] {
  const { heads, pipelineIds } = extents;
  const count = recorders.size * pipelineIds.length;
  const pageSize = Math.ceil(Math.min(bounds.pageSize, bounds.notifications / count));
  const walks = new Map<string, Map<number, LogWalk>>();
  const logs: CheckedLog[] = [];
  for (const [applicationName, recorder] of recorders) {
    const ofApplication = new Map<number, LogWalk>();
    walks.set(applicationName, ofApplication);
    for (const pipelineId of pipelineIds) {
      const log: LogName = { applicationName, pipelineId };
      const walk = new LogWalk({
        log,
        recorder,
        head: headIn(heads, applicationName, pipelineId),
        pageSize,
        pageLength: Math.ceil(bounds.length / (2 * count)), // a page is read while another one is passed
        versions: new VersionCheck(log, recorder, faults, bounds.aggregates / count),
        faults,
        beforePage: (position, head) => progress.report({ ...log, position, head }),
      });
      ofApplication.set(pipelineId, walk);
      const sourceOf = (upstream: LogName) => causeSource(upstream, log, extents, walks);
      const isOrdered = !extents.unordered.get(applicationName)?.has(pipelineId);
      logs.push({ walk, causes: new CauseCheck(log, sourceOf, isOrdered, faults) });
    }
  }
  return logs;
}

/** Returns the log of an upstream, as an application that follows it sees it. */
function causeSource(
  { applicationName: upstreamName, pipelineId }: LogName,
  { applicationName }: LogName,
  { parked, positions, laterHeads, late }: Extents,
  walks: ReadonlyMap<string, ReadonlyMap<number, LogWalk>>,
): Omit<CauseSource, 'last' | 'seen'> {
  const recorded = positions
    .get(applicationName)
    ?.find((one) => one.upstreamName === upstreamName && one.pipelineId === pipelineId);
  // Below its ceiling, the application passes notifications again whose effects are on record.
  const position = recorded === undefined ? 0 : Math.max(recorded.position, ceilingOf(recorded));
  const parkedIds = new Set(
    parked
      .get(applicationName)
      ?.filter((one) => one.upstreamName === upstreamName && one.pipelineId === pipelineId)
      .map(({ notificationId }) => notificationId),
  );
  // The log of an application that is not part of the system is taken to reach as far as the position in it.
  const head = laterHeads.has(upstreamName) ? headIn(laterHeads, upstreamName, pipelineId) : position;
  const lateOnes = late.get(applicationName)?.of(upstreamName, pipelineId) ?? new Map<number, unknown>();
  const walk = walks.get(upstreamName)?.get(pipelineId);
  return { walk, head, position, parked: parkedIds, late: lateOnes };
}
