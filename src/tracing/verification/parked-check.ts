import type { Recorder } from '../../storage/recorder.ts';
import type { Extents } from './extents.ts';
import { type FaultKind, faultIn } from './fault.ts';
import type { FaultList } from './verification.ts';

/** Checks that the logs of upstreams hold the parked notifications, and that positions are at or behind them. */
export async function checkParked(
  recorders: ReadonlyMap<string, Recorder>,
  { parked, positions }: Extents,
  faults: FaultList,
): Promise<void> {
  for (const [applicationName, places] of parked) {
    for (const place of places) {
      const { pipelineId, upstreamName, notificationId } = place;
      const add = (kind: FaultKind, problem: string) => {
        const message = `it has parked notification ${notificationId} of '${upstreamName}', but ${problem}`;
        faults.add(faultIn({ applicationName, pipelineId }, { kind, notificationId, upstreamName, message }));
      };
      if (place.why === undefined) add('parked-damaged', 'the reason for it cannot be read.');
      const recorded = positions
        .get(applicationName)
        ?.find((one) => one.upstreamName === upstreamName && one.pipelineId === pipelineId);
      const position = recorded?.position ?? 0;
      if (notificationId > position)
        add(
          'parked-beyond-position',
          `its position in that log is ${position}, so it would process the notification again.`,
        );
      const recorder = recorders.get(upstreamName);
      if (recorder === undefined) continue;
      const [found] = await recorder.notifications(pipelineId, notificationId - 1, 1);
      if (found?.id !== notificationId) add('parked-lost', 'that log does not hold it.');
      else if (found.originatorId !== place.originatorId)
        add(
          'parked-mismatch',
          'that log holds an event of another aggregate there than the one that was parked.',
        );
    }
  }
}
