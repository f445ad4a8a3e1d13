import { PositionConflictError } from '../../storage/errors.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { TypeGate } from './type-gate.ts';

/**
 * Reads the position of an application in an upstream's log. First adds the types that this version of the application
 * handles to those that are recorded with the position, so that no other version ignores them.
 */
export async function readPosition(
  { recorder, pipelineId }: EventStore,
  upstreamName: string,
  gate: TypeGate,
): Promise<RecordedPosition> {
  for (;;) {
    const recorded = await recorder.position(pipelineId, upstreamName);
    const { handledTypes = [], typesVersion } = recorded;
    const all = [...new Set([...handledTypes, ...gate.handledTypes])].sort();
    if (all.length === handledTypes.length) {
      gate.setRecorded(handledTypes);
      return recorded;
    }
    try {
      const newVersion = await recorder.recordHandledTypes(pipelineId, upstreamName, typesVersion, all);
      gate.setRecorded(all);
      return { ...recorded, handledTypes: all, typesVersion: newVersion };
    } catch (error) {
      // Another follower has recorded types. There are only so many types, so this ends.
      if (!(error instanceof PositionConflictError)) throw error;
    }
  }
}
