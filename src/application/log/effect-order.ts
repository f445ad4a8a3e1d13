import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';
import { detailsOf, isOperation } from '../control/operation-kinds.ts';
import { readOperations } from '../control/read-operations.ts';

/** Notifications of a follower's log with ids above `from`, up to `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A stretch of a follower's log. */
export interface OrderedStretch extends Stretch {
  /** Whether the causes of its events from one upstream ascend. */
  readonly isOrdered: boolean;
}

/**
 * Divides a part of a follower's log where the order of effects changes. A follower processes an upstream in order, so the
 * causes from that upstream ascend, unless its position was moved back, or a replay handed earlier notifications to it.
 * Read the end of the part before this call: then the operations that matter for it are recorded.
 */
export async function orderedStretches(
  recorder: Pick<Recorder, 'operations'>,
  pipelineId: number,
  { from, to }: Stretch,
): Promise<readonly OrderedStretch[]> {
  const breaks = await breaksIn(recorder, pipelineId);
  if (breaks.length === 0) return [{ from, to, isOrdered: true }];
  const stretches: OrderedStretch[] = [];
  let place = from;
  let replays = 0;
  for (const { ownHead, change } of breaks) {
    const end = Math.min(Math.max(ownHead, from), to);
    if (end > place) stretches.push({ from: place, to: end, isOrdered: replays === 0 });
    place = Math.max(place, end);
    replays += change;
  }
  if (to > place) stretches.push({ from: place, to, isOrdered: replays === 0 });
  return stretches;
}

/** Whether effects in the log of a pipeline may be out of order. */
export async function mayBeOutOfOrder(
  recorder: Pick<Recorder, 'operations'>,
  pipelineId: number,
): Promise<boolean> {
  return (await breaksIn(recorder, pipelineId)).length > 0;
}

/** A place in a follower's log at which the order of effects starts again, or at which replays begin or end. */
interface Break {
  readonly ownHead: number;
  /** Number of replays that begin at the place; -1 if one ends. */
  readonly change: -1 | 0 | 1;
}

/** Reads the breaks in a log, in order. */
async function breaksIn(
  recorder: Pick<Recorder, 'operations'>,
  pipelineId: number,
): Promise<readonly Break[]> {
  const breaks: Break[] = [];
  for await (const page of readOperations(recorder))
    for (const operation of page) breaks.push(...breakOf(operation, pipelineId));
  return breaks.sort((a, b) => a.ownHead - b.ownHead || b.change - a.change);
}

function breakOf(operation: RecordedOperation, pipelineId: number): readonly Break[] {
  const place = detailsOf(operation, 'reposition', 'reset', 'replay', 'replay-end');
  if (place?.pipelineId !== pipelineId) return [];
  const change = isOperation(operation, 'replay') ? 1 : isOperation(operation, 'replay-end') ? -1 : 0;
  return [{ ownHead: place.ownHead, change }];
}
