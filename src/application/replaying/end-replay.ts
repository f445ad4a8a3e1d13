import { PositionConflictError } from '../../storage/errors.ts';
import { ControlLog } from '../control/control-log.ts';
import { operationOf, type Replay, type ReplayEnd } from '../control/operation-kinds.ts';
import type { EventStore } from '../recording/event-store.ts';
import { positionNameOf } from './repetitions.ts';

/** How a replay ends, and who ends it. */
export interface ReplayEnding extends Pick<ReplayEnd, 'outcome' | 'error'> {
  readonly by: string;
  readonly reason: string;
}

/**
 * Ends a replay on all hosts. Its position moves behind its last notification, so that no follower can record anything more
 * for it. Resolves with false if it has ended already, or is to be finished although it has not processed everything.
 */
export async function endReplay(
  { recorder, pipelineId }: EventStore,
  replay: Replay,
  { outcome, error, by, reason }: ReplayEnding,
): Promise<boolean> {
  const upstreamName = positionNameOf(replay);
  const end = replay.to + 1;
  for (;;) {
    const { position, typesVersion } = await recorder.position(pipelineId, upstreamName);
    if (position >= end || (outcome === 'finished' && position < replay.to)) return false;
    const ownHead = await recorder.head(pipelineId);
    const details: ReplayEnd = {
      pipelineId,
      id: replay.id,
      outcome,
      ownHead,
      ...(error !== undefined && { error }),
    };
    const operation = operationOf('replay-end', { by, reason }, details);
    const tracking = { upstreamName, expected: position, position: end, typesVersion };
    try {
      await recorder.record(pipelineId, [{ events: [], snapshots: [], tracking, operation }]);
      await ControlLog.of(recorder).refresh();
      return true;
    } catch (conflict) {
      if (!(conflict instanceof PositionConflictError)) throw conflict; // else a follower has moved the position
    }
  }
}
