import { fitOf } from '../../application/log/mark.ts';
import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import { type Extents, headIn } from './extents.ts';
import { faultIn } from './fault.ts';
import type { FaultList } from './verification.ts';

/**
 * Checks that the positions in logs of the system are not beyond their heads, and that the logs hold the notifications
 * that were processed last.
 */
export async function checkPositions(
  recorders: ReadonlyMap<string, Recorder>,
  { positions, laterHeads }: Extents,
  faults: FaultList,
): Promise<void> {
  for (const [applicationName, recorded] of positions) {
    for (const one of recorded) {
      const { pipelineId, upstreamName, position: notificationId } = one;
      const recorder = recorders.get(upstreamName);
      if (recorder === undefined) continue;
      const head = headIn(laterHeads, upstreamName, pipelineId);
      const at = `its position in the log of '${upstreamName}' is ${notificationId}, but`;
      if (notificationId > head) {
        const kind = 'position-beyond-head';
        const message = `${at} that log ends at ${head}.`;
        faults.add(faultIn({ applicationName, pipelineId }, { kind, notificationId, upstreamName, message }));
      } else if (await isReplaced(recorder, one)) {
        const kind = 'position-mismatch';
        const message = `${at} that log holds another notification there than the one that was processed.`;
        faults.add(faultIn({ applicationName, pipelineId }, { kind, notificationId, upstreamName, message }));
      }
    }
  }
}

/** Whether another notification is at the position. A missing one is a fault of the log. */
async function isReplaced(recorder: Recorder, recorded: RecordedPosition): Promise<boolean> {
  const { fits, notification } = await fitOf(recorded, {
    select: (after, limit) => recorder.notifications(recorded.pipelineId, after, limit),
  });
  return !fits && notification !== undefined;
}
