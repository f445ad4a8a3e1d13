import { operationOf } from '../application/control/operation-kinds.ts';
import { MarkedTracking } from '../application/log/mark.ts';
import type { ProcessEvent, RecordedPosition, Recorder } from '../storage/recorder.ts';
import type { StoredNotification } from '../storage/stored-event.ts';

/** A move of the position of an application in the log of an upstream. */
export interface PositionMove {
  /** The recorded position. */
  readonly from: RecordedPosition;
  /** The last notification that counts as processed; undefined for none. */
  readonly to: StoredNotification | undefined;
  /** Last notification that was processed before; 0 if the application processes all notifications after `to` anew. */
  readonly ceiling: number;
  readonly kind: 'reposition' | 'reset';
  readonly by: string;
  readonly reason: string;
}

/** Returns what moves a position, with the operation that says who did it and why. */
export async function movedPosition(
  recorder: Pick<Recorder, 'head'>,
  { from, to, ceiling, kind, by, reason }: PositionMove,
): Promise<ProcessEvent> {
  const { pipelineId, upstreamName, position, typesVersion } = from;
  const ownHead = await recorder.head(pipelineId); // after the position, so that its effects are not behind this head
  const tracking = new MarkedTracking(upstreamName, position, to, typesVersion, ceiling);
  const details = { pipelineId, upstreamName, from: position, to: to?.id ?? 0, ownHead };
  const operation = operationOf(kind, { by, reason }, details);
  return { events: [], snapshots: [], tracking, operation };
}
